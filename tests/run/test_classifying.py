"""What the end of a run says of networks that name classes themselves, and of those whose codes are no classes."""

import pytest

from ssl_jax import api
from ssl_jax.config import recipes

COMMON = {
    "batch": "8",
    "duration": "1 step",
    "lr.warmup": "0 steps",
    "evaluation.every": "never",
    "evaluation.final": "centroid",
    "evaluation.examples": "64",
}
GRAY = dict(
    group="global",
    count=1,
    size=28,
    ops=(
        dict(name="center_crop"),
        dict(name="normalize", args=dict(mean=(0.3,), std=(0.35,))),
    ),
)
CODES = dict(
    encoder=dict(name="dvae_encoder", codes=8, width=4, groups=2, blocks=1),
    decoder=dict(name="dvae_decoder", start=8, width=4, groups=2, blocks=1, channels=1),
)
CLASSES = dict(encoder=dict(name="vit", variant=(16, 1, 2, 14), pool="mean"), classifier=dict(name="linear", out=10))


@pytest.mark.parametrize("name, nets, classes", [("dvae_cifar10", CODES, False), ("fine_tune_cifar10", CLASSES, True)])
def test_only_a_network_that_names_classes_is_scored_by_them(name, nets, classes, tmp_path):
    config = recipes.tuples(recipes.load(name))
    source = "embedded:fashion_mnist"
    config |= dict(data=dict(train=f"{source}/train", test=f"{source}/test", channels=1), views=(GRAY,))
    config |= dict(nets=nets, optimizer=dict(name="adamw"))
    found = api.train(config, str(tmp_path / "W"), changes=COMMON)
    assert found["centroid"]["pretrained"] is not None
    assert ("classifier" in found) == classes
