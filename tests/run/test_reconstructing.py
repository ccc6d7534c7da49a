"""What reconstructions leave of test images: errors against numpy, components against scikit-learn's, the command."""

import json

import jax
import numpy as np
import pytest
from sklearn.decomposition import PCA

from ssl_jax import loop
from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import sources
from ssl_jax.reporting import report
from ssl_jax.run import reconstruction

IMAGES = "embedded:fashion_mnist"
TINY = {
    **{"data.train": f"held:0.01*{IMAGES}/train", "data.test": f"held:0.01*{IMAGES}/test"},
    **{"batch": "8", "duration": "1 step", "evaluation.every": "never", "evaluation.batch": "16"},
}
NAMES = ["mean_image", "principal_components", "random_init", "pretrained"]


def built(recipe, **changes):
    job = build.job(schema.changed(recipes.load(recipe), {**TINY, **changes}))
    program = loop.compiled(job)
    return job, program, loop.fresh(job, program)


def shown(job, source):
    """All images of a source as the encoder sees them."""
    rows = np.stack(sources.images(source, np.arange(source.size)))
    return jax.device_get(job.clean.device(jax.random.key(0), {"clean": rows[:, None]})["clean"][:, 0])


def test_errors_are_those_of_numpy_and_components_those_of_scikit_learn():
    job, program, state = built("autoencoder_fashion_mnist")
    found = reconstruction.measured(job, program, {"random_init": lambda: state, "pretrained": lambda: state})
    found = found["reconstruction"]
    assert list(found) == NAMES and found["random_init"] == found["pretrained"]
    train, test = (shown(job, source) for source in (job.train, job.test))
    code = job.method.embed(state.params, state.method_state, {"image": test})["latent"]
    made = jax.jit(job.method.draw)(state.params, state.method_state, {"global": test[:, None]}, jax.random.key(0))
    pca = PCA(code.shape[1], svd_solver="full").fit(train.reshape(len(train), -1))
    expected = {
        "mean_image": np.broadcast_to(train.mean(0), test.shape),
        "principal_components": pca.inverse_transform(pca.transform(test.reshape(len(test), -1))).reshape(test.shape),
        "pretrained": np.asarray(made["reconstruction"]["reconstruction"]),
    }
    errors = {name: np.square(test - x).sum((1, 2, 3)).mean() for name, x in expected.items()}
    for name, error in errors.items():
        assert found[name]["squared_error"] == pytest.approx(error, rel=1e-4)
        assert found[name]["explained"] == pytest.approx(1 - error / errors["mean_image"], abs=1e-4)
    assert found["principal_components"]["explained"] > 0.5 and found["mean_image"]["explained"] == 0
    with pytest.raises(ValueError, match="reconstructions are not finite"):
        broken = state._replace(params=jax.tree.map(lambda a: a * np.nan, state.params))
        reconstruction.measured(job, program, {"pretrained": lambda: broken})


@pytest.mark.parametrize(
    ("recipe", "changes", "sentence"),
    [
        ("igpt_fashion_mnist", {}, "the method reconstructs no whole images"),
        ("autoencoder_fashion_mnist", {"data.test": ""}, "it wants a test set"),
        ("pca_fashion_mnist", {"clean.0.size": "14"}, "config.clean shows images of 14 pixels and config.views of 28"),
    ],
)
def test_what_cannot_be_reconstructed_is_a_sentence(recipe, changes, sentence):
    job, program, state = built(recipe, **changes)
    with pytest.raises(ValueError, match=sentence):
        reconstruction.measured(job, program, {"pretrained": lambda: state})


@pytest.mark.slow
def test_the_command_has_a_table_of_it(tmp_path, capsys):
    changes = {**TINY, "nets.encoder.out": "8", "evaluation.final": "reconstruction"}
    flags = [f"--config.{key}={value}" for key, value in changes.items()]
    assert main.main(["train", "--config=pca_fashion_mnist", f"--workdir={tmp_path}/W", *flags]) == 0
    found = json.loads((tmp_path / "W" / "result.json").read_text())["reconstruction"]
    assert list(found) == ["mean_image", "random_init", "pretrained"], "a code that is a projection needs no other one"
    assert 0.5 < found["pretrained"]["explained"] < 1 and found["random_init"]["explained"] < 0.5
    printed = capsys.readouterr().out
    assert "What can be reconstructed" in printed and "mean image" in printed
    assert [column.header for column in report.reconstruction_table(found).columns][1:] == [
        *("mean image", "random init", "pre-trained")
    ]
