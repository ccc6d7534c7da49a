"""A short training on few real images beats the same network untrained, for every method; frozen features, kNN.

The untrained network has batch statistics of the data: the learning rate is zero for the first epochs, in which they
calibrate, and what is compared are the states before and after the epochs that follow.
"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax.evals import knn
from ssl_jax.nets import decoders, heads, resnet, vit
from ssl_jax.types import Examples, Method, Net, Schedule
from tests.laws import real, tiny

EXAMPLES, TEST, BATCH, CALIBRATION, EPOCHS, RATE = 2048, 2000, 128, 3, 10, 3e-3
SMALL = {
    "simclr": {"temperature": 0.2},
    "moco_v2": {"queue": 1024},
    "swav": {"prototypes": 32},
    "deepcluster_v2": {"heads": 2, "centroids": 32},
    "mae": {"patch": 4},
    "dino": {"teacher_temperature": lambda step: jnp.float32(0.04)},
    "ibot": {f"{side}teacher_temperature": lambda step: jnp.float32(0.04) for side in ("", "patch_")},
}
ONE_VIEW = ("mae", "rotation")
ELSEWHERE = ("knowledge_distillation", "clip")
"""What these learn is not in images alone: of a finished teacher in tests/paradigms/test_imitation.py, of captions in
benchmarks/results/clip_emoji.json."""
QUICK = ("simclr", "byol")
MARGIN = 0.02
"""Two test accuracies of 2,000 images each differ by 0.012 (one standard deviation) where nothing was learned."""


def method(name: str) -> Method:
    """The method with small networks."""
    transformer = vit.vit(variant=(48, 2, 4, 4), pool="mean", mask_token=name == "ibot")
    roles = {
        "encoder": transformer
        if name in ("mae", "ibot")
        else resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False),
        "projector": heads.dino_head(out=64, hidden=64, bottleneck=32)
        if name in ("dino", "ibot")
        else heads.mlp(widths=(64, 32)),
        "predictor": heads.mlp(widths=(32, 32)),
        "classifier": heads.linear(out=4),
        "decoder": decoders.mae_decoder(width=32, layers=1, heads=2, patch=4, channels=1),
    }
    make, arguments = tiny.METHODS[name], dict(SMALL.get(name, {}))
    for parameter in inspect.signature(make).parameters.values():
        if parameter.annotation is Net:
            arguments[parameter.name] = roles[parameter.name]
        elif parameter.annotation is Schedule:
            arguments.setdefault(parameter.name, lambda step: jnp.float32(0.9))
        elif parameter.annotation is Examples:
            arguments[parameter.name] = EXAMPLES
    return make(**arguments)


def accuracy(made: Method, state) -> float:
    """kNN on frozen features of whole images."""
    embed = jax.jit(lambda x: made.embed(state.params, state.method_state, {"image": real.whole(x)})["pool"])
    train, test = ((np.asarray(embed(real.images(s, TEST))), real.labels(TEST)) for s in ("train", "test"))
    return knn.evaluate(jax.random.key(0), train, test, classes=10)["accuracy"]


LEARNERS = [n for n in tiny.METHODS if n not in ELSEWHERE and tiny.of(n, "learns", method) is not None]


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in LEARNERS])
def test_training_beats_the_untrained_network(name):
    learns = tiny.of(name, "learns", None)
    made, warm = learns(EXAMPLES) if learns else method(name), CALIBRATION * (EXAMPLES // BATCH)
    optimizer = optax.adam(lambda count: jnp.where(count < warm, 0.0, RATE))
    rows, views = real.images("train", EXAMPLES), 1 if name in ONE_VIEW else 2
    crops = lambda key: real.crops(key, rows, count=views)  # noqa: E731
    states, metrics = real.train(made, optimizer, crops, batch=BATCH, epochs=CALIBRATION + EPOCHS)
    before, after = accuracy(made, states[CALIBRATION]), accuracy(made, states[-1])
    assert np.isfinite(metrics["loss"]).all()
    assert after > before + MARGIN, f"{name}: kNN was {before:.3f} and is {after:.3f}"
