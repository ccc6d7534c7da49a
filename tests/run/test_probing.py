"""Probes by published recipes in front of a frozen network, on real images."""

import hashlib

import jax
import numpy as np
import pytest

from ssl_jax import loop
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import sources
from ssl_jax.run import probing

TINY = {
    "batch": "8",
    "nets.encoder.depth": "(1,)",
    "nets.encoder.base": "16",
    "nets.projector.widths": "(8, 8)",
    "data.train": "held:0.03*embedded:fashion_mnist/train",
    "data.test": "held:0.04*embedded:fashion_mnist/test",
}
"""300 images to learn from and 200 to test on."""


@pytest.fixture(scope="module")
def run():
    """(job, its functions, a fresh state)."""
    job = build.job(schema.changed(recipes.load("quickstart"), TINY))
    program = loop.compiled(job)
    return job, program, loop.fresh(job, program)


def relabeled(source, labels):
    images = np.stack(sources.images(source, np.arange(source.size)))
    return sources.arrays(images, labels, classes=source.classes)


def digest(state) -> str:
    return hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(state[:3]))).hexdigest()


def of_pixels(job):
    """The job with pixels in the place of features."""
    pool = lambda params, state, inputs: {"pool": inputs["image"].reshape(len(inputs["image"]), -1)}  # noqa: E731
    return job._replace(method=job.method._replace(embed=pool))


def test_a_probe_learns_and_the_encoder_does_not(run):
    job, program, state = run
    before = digest(state)
    found = probing.scores(job, program, lambda: state, "probe_moco_5_48", of="it")
    details = found.details
    assert digest(state) == before
    assert details["loss"][0] == pytest.approx(np.log(10), rel=1e-2) and details["loss"][1] < 2.1
    assert (details["steps"], details["batch"], details["n_train"], details["n_test"]) == (32, 48, 300, 200)
    assert found.accuracies["probe_moco_5_48"] > 0.15 and abs(found.accuracies["chance"] - 0.1) < 0.06


def test_one_of_several_heads_is_chosen_on_a_part_that_none_has_learned_from(run, monkeypatch):
    job, program, state = run
    met = {}
    fitted, answers = probing.fitted, probing.answers

    def fitting(job, program, encode, recipe, source, clock):
        met["learned"] = source.digest
        return fitted(job, program, encode, recipe, source, clock)

    def answering(job, program, trained, source):
        met.setdefault("answered", []).append(source.size)
        return answers(job, program, trained, source)

    monkeypatch.setattr(probing, "fitted", fitting)
    monkeypatch.setattr(probing, "answers", answering)
    details = probing.scores(job, program, lambda: state, "probe_byol_4_24", of="it").details
    assert details["n_train"] == 270 and details["n_validation"] == 30 and met["answered"] == [30, 200]
    assert met["learned"] != job.train.digest
    assert len(details["validation"]) == 5
    assert details["validation"][details["chosen"]] == max(details["validation"].values())


def test_shuffled_labels_give_chance(run):
    job, program, state = run
    shuffled = relabeled(job.train, np.random.default_rng(0).permutation(job.train.labels))
    true, none = (
        probing.scores(of_pixels(each), program, lambda: state, "probe_vicreg_6_24", of="it").accuracies
        for each in (job, job._replace(train=shuffled))
    )
    assert true["probe_vicreg_6_24"] > 0.45 and none["probe_vicreg_6_24"] < 0.25


def test_what_cannot_be_probed_says_why(run):
    job, program, state = run

    def reason(job, protocol):
        return probing.measured(job, program, {"pretrained": lambda: state}, (protocol,))["not_measured"][protocol]

    assert "class tokens, and this resnet has none" in reason(job, "probe_mae_1_8")
    assert "wants labels in the training and the test set" in reason(job._replace(test=None), "probe_moco_1_8")
    one = relabeled(job.train, np.zeros(job.train.size, np.int32))._replace(classes=("only",))
    assert "there is one class" in reason(job._replace(train=one), "probe_moco_1_8")
    few = job._replace(evaluation={**job.evaluation, "examples": 5})
    assert "chosen on a tenth of the training images, and there are only 5" in reason(few, "probe_byol_1_8")


def test_a_batch_is_encoded_in_equal_parts():
    assert probing._part(4096, 500, 1) == 256 and probing._part(96, 500, 8) == 96 and probing._part(96, 40, 8) == 32
    with pytest.raises(ValueError, match="a batch of 30 images has no equal parts of up to 500 that divide over 8"):
        probing._part(30, 500, 8)
