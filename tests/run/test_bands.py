"""The recipe of twelve bands, from the files to the features."""

import numpy as np
import pytest

from ssl_jax import api
from ssl_jax.cli import main
from ssl_jax.config import recipes
from ssl_jax.configs import presets
from ssl_jax.data import sources
from ssl_jax.features import encoder

tifffile = pytest.importorskip("tifffile")
STATS = dict(mean=(0.03,) * 12, std=(0.02,) * 12)


def recipe(root, **changes):
    """The recipe for these files, small."""
    config = recipes.load("simclr_satellite12")
    config["nets"]["encoder"] = dict(name="resnet", depth=(1, 1, 1), base=4, stem="half")
    config["nets"]["projector"]["widths"] = (8, 8)
    small = dict(duration="3 steps", batch=8, views=presets.simclr(16, blur=False, stats=STATS))
    return {
        **config,
        **small,
        "data": dict(train=f"folder:{root}"),
        "evaluation": dict(final="none", every="never"),
        **changes,
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two dozen images as Sentinel-2 has them, reflectances times 10,000, and one that is cut off."""
    root = tmp_path_factory.mktemp("satellite")
    arrays = np.random.default_rng(0).integers(0, 4000, (24, 20, 20, 12)).astype(np.uint16)
    for k, array in enumerate(arrays):
        tifffile.imwrite(root / f"{k:02d}.tif", array, photometric="minisblack", planarconfig="contig")
    (root / "24.tif").write_bytes((root / "00.tif").read_bytes()[:999])
    return root, arrays


@pytest.fixture(scope="module")
def run(files, tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("run"))
    result = api.train(recipe(files[0]), workdir)
    assert result["step"] == 3
    return workdir


def test_features_of_files_are_those_of_the_arrays_that_tifffile_gives(run, files, tmp_path):
    loaded, (root, arrays) = encoder.load(run), files
    assert loaded.channels == 12
    rows = loaded.stream(sources.open(f"folder:{root}"), batch=8)
    assert rows.valid.tolist() == [True] * 24 + [False]
    given = loaded.embed([tifffile.imread(root / f"{k:02d}.tif") for k in range(24)])["pool"]
    np.testing.assert_allclose(rows.features[:24], given, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(loaded.embed(arrays)["pool"], given, rtol=1e-4, atol=1e-5)
    paths = [root / f"{k:02d}.tif" for k in range(24)]
    np.testing.assert_array_equal(loaded.embed(paths)["pool"], given)
    with pytest.raises(ValueError, match=r"24\.tif: it is cut off"):
        loaded.embed([str(root / "24.tif")])
    out = tmp_path / "features.npz"
    main.main(["embed", f"--workdir={run}", f"--data=folder:{root}", f"--out={out}"])
    np.testing.assert_array_equal(np.load(out)["features"], rows.features)


@pytest.mark.parametrize(
    "color, said",
    [
        (dict(name="color_jitter", args=dict(saturation=0.4)), "color_jitter with saturation or hue needs 3 channels"),
        (dict(name="grayscale", p=0.2), "grayscale needs 3 channels"),
        (dict(name="rand_augment_color"), "rand_augment_color needs 3 channels"),
        (
            dict(name="normalize", args=dict(mean=(0.5,), std=(0.5,))),
            "mean is of 1 channels and the images of .* have 12",
        ),
    ],
)
@pytest.mark.parametrize("photometric", ["device", "host"])
def test_colors_that_bands_have_not_are_refused_where_the_recipe_is_checked(files, tmp_path, color, said, photometric):
    (view,) = presets.simclr(16, blur=False, stats=STATS)
    view = {**view, "ops": (*view["ops"][:2], color)}
    with pytest.raises(ValueError, match=said) as error:
        api.train(recipe(files[0], views=(view,), photometric=photometric), str(tmp_path / "run"))
    assert not (tmp_path / "run").exists() and "data.channels" not in str(error.value)
