"""Encoders of clips in Python: frames and files, of networks that have learned nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.config import recipes, schema
from ssl_jax.data import sources
from ssl_jax.exporting import export
from ssl_jax.features import encoder
from tests import videos

SMALL = {"views.0.size": "(4, 16)", "clean.0.size": "(4, 16)", "clean.0.ops.0.args.stride": "2"}
NETS = (dict(name="r2plus1d", depth=(1, 1), base=4, stem="half"), dict(name="tubelet_vit", variant=(16, 1, 2, 8)))


@pytest.fixture(scope="module", params=NETS, ids=lambda net: net["name"])
def made(request):
    plain = recipes.load("rho_byol_videos")
    plain["nets"]["encoder"] = request.param
    config = schema.resolve(recipes.override(schema.resolve(plain), SMALL))
    net = encoder.network(config, "encoder")
    params, stats = net.init(jax.random.key(0), jnp.zeros((1, 4, 16, 16, 3)))
    return encoder.made(config, 7, "student", "encoder", params, stats)


def test_frames_and_a_file_of_them_have_the_same_features(made, tmp_path):
    path = videos.write(tmp_path / "a.mp4", 20)
    frames = np.stack([frame for _, frame in videos.all_frames(path)])
    one, both = made.embed(frames[None])["pool"], made.embed([str(path), frames[:, ::-1]])["pool"]
    assert made.channels == 3 and both.shape == (2, one.shape[1])
    np.testing.assert_allclose(both[0], one[0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(both[0], both[1], atol=1e-5)


def test_a_folder_of_videos_has_a_row_for_each(made, tmp_path):
    for name, count in (("a", 20), ("b", 3), ("c", 30)):
        videos.write(tmp_path / f"{name}.mp4", count)
    found = made.stream(sources.open(f"folder:{tmp_path}"), batch=2)
    assert found.valid.tolist() == [True, False, True] and [p[-5:] for p in found.path] == ["a.mp4", "b.mp4", "c.mp4"]
    np.testing.assert_allclose(found.features[0], made.embed([tmp_path / "a.mp4"])["pool"][0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.zeros((4, 16, 16, 3), np.uint8), "is no batch of clips: give uint8 arrays.*clips.None. is a batch"),
        ([np.zeros((4, 16, 16, 1), np.uint8)], r"a clip is uint8 \[t, h, w, 3\], and this one is uint8"),
        ([np.zeros((8, 16, 16, 3))], "and this one is float64"),
        ([np.zeros((2, 16, 16, 3), np.uint8)], "a clip spans 7 frames, more than the video has"),
        (["none.mp4"], "none.mp4: there is no such video"),
        ([], "there are no clips to embed"),
        ("a.mp4", "a str is no batch of clips"),
    ],
)
def test_everything_else_is_one_sentence(made, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        made.embed(given)


def test_its_export_is_refused(made, tmp_path):
    with pytest.raises(ValueError, match="takes clip, and only encoders of images are exported"):
        export.written(made, "npz", str(tmp_path / "a.npz"))
