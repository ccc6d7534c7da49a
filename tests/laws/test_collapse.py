"""What keeps a method from collapse does so: without it the method must collapse, with it it must not.

A control is the method with one thing taken away. Collapse is measured on whole images that were not trained on: the
spread of the unit projections (1 isotropic, 0 a point), or in nats the entropy of one example's assignment and of the
mean assignment (both 0: one prototype for all; both ln K: uniform for each).
"""

from collections.abc import Callable
from typing import NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax import monitors
from ssl_jax.criteria import lenses, pairs
from ssl_jax.losses import clustering, contrastive, places
from ssl_jax.methods import (
    byol,
    deepcluster_v2,
    densecl,
    dino,
    moco_v2,
    rho_byol,
    siamese_margin,
    simclr,
    simsiam,
    swav,
    triplet,
    vicreg,
)
from ssl_jax.nets import heads
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.passes import times
from ssl_jax.types import Criterion, Method, Net, Pass
from tests.laws import real, tiny

EXAMPLES, BATCH, EPOCHS, K, SQUARE = 1024, 64, 80, 16, 7
SCHEDULE = {"ema_decay": lambda step: jnp.float32(0.9)}


def flat(head: Net) -> Net:
    """A network of pixels in a row, with an encoder's interface: the smallest that can collapse."""
    apply = lambda p, s, x, **o: (lambda y, s: ({"pool": y}, s))(*head.apply(p, s, x.reshape(len(x), -1), **o))  # noqa: E731
    return Net(lambda key, x: head.init(key, x.reshape(len(x), -1)), apply)


def tiled(head: Net) -> Net:
    """The same network of each of the 16 squares of an image, which it sees as 16 places."""

    def squares(x):
        return x.reshape(-1, 4, SQUARE, 4, SQUARE).swapaxes(2, 3).reshape(-1, 16, SQUARE * SQUARE)

    def apply(p, s, x, **options):
        y, s = encode.everywhere(head).apply(p, s, squares(x), **options)
        return {"pool": y.mean(1), "tokens": y}, s

    return Net(lambda key, x: head.init(key, squares(x)[:, 0]), apply)


ENCODER = flat(heads.mlp(widths=(64, 64)))
TILED = tiled(heads.mlp(widths=(64, 64)))
NORMED = flat(heads.mlp(widths=(64, 64), last_norm="affine"))
PROJECTOR, PREDICTOR = heads.mlp(widths=(64, 32)), heads.mlp(widths=(16, 32))
DENSE = heads.mlp(widths=(64, 32), norm="none")
DINO_HEAD = heads.dino_head(out=K, hidden=64, bottleneck=32)


def aligned() -> Criterion:
    """The attraction of positive pairs alone."""

    def loss(params, state, seen):
        z = contrastive.unit(seen.student["projection"])
        return 1 - jnp.mean(jnp.sum(z[:, 0] * z[:, 1], -1)), {}

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)


def dino_with(temperature: float, **options) -> Method:
    sharp = lambda step: jnp.float32(temperature)  # noqa: E731
    slow = lambda step: jnp.float32(0.99)  # noqa: E731
    return dino.dino(NORMED, DINO_HEAD, ema_decay=slow, teacher_temperature=sharp, **options)


def frozen_centroids() -> Method:
    """DeepCluster-v2 that assigns to the random centroids it begins with, and never balances them by k-means."""
    method = deepcluster_v2.deepcluster_v2(ENCODER, PROJECTOR, examples=EXAMPLES, heads=2, centroids=K)

    def assign(state, found, key):
        held = state.method_state["criterion"]
        labels = [clustering.nearest(held.bank.rows[:, i % 2], held.centroids[i]) for i in range(2)]
        labels = held._replace(labels=jnp.stack(labels, 1))
        return state._replace(method_state={**state.method_state, "criterion": labels})

    return method._replace(passes=(Pass(due=times.each_epoch(since=1), finish=assign),))


def unbalanced(scores, *past, epsilon, iterations):
    """A softmax in place of Sinkhorn's balance."""
    return jax.nn.softmax(scores / epsilon, -1)


def aligned_places() -> Criterion:
    """The attraction of matched places, beside that of images."""

    def loss(params, state, seen):
        at = places.most_similar(seen.student["grid"][:, 0], seen.teacher["grid"][:, 1])
        query, key = seen.student["dense"][:, 0], places.taken(seen.teacher["dense"][:, 1], at)
        return 1 - jnp.mean(jnp.sum(contrastive.unit(query) * contrastive.unit(key), -1)), {}

    return lenses.total(images=(0.5, COSINE), places=(0.5, Criterion(COSINE.init, loss, COSINE.update)))


class Control(NamedTuple):
    """whole, without: () -> Method. patch: what is replaced while `without` is made and trained."""

    whole: Callable[[], Method]
    without: Callable[[], Method]
    measure: str
    patch: tuple | None = None


COSINE = lenses.at(pairs.byol(), name="projection")
CONTROLS = {
    "simclr: negatives": Control(
        lambda: simclr.simclr(ENCODER, PROJECTOR, temperature=0.2),
        lambda: joint_embedding(ENCODER, PROJECTOR, aligned()),
        "spread",
    ),
    "siamese_margin: dissimilar pairs": Control(
        lambda: siamese_margin.siamese_margin(ENCODER, PROJECTOR),
        lambda: joint_embedding(ENCODER, PROJECTOR, aligned()),
        "spread",
    ),
    "triplet: negatives": Control(
        lambda: triplet.triplet(ENCODER, PROJECTOR),
        lambda: joint_embedding(ENCODER, PROJECTOR, aligned()),
        "spread",
    ),
    "moco_v2: negatives": Control(
        lambda: moco_v2.moco_v2(ENCODER, PROJECTOR, **SCHEDULE, queue=512),
        lambda: self_distillation(ENCODER, PROJECTOR, COSINE, **SCHEDULE, arrange=encode.shuffled),
        "spread",
    ),
    "densecl: negatives": Control(
        lambda: densecl.densecl(TILED, PROJECTOR, DENSE, **SCHEDULE, queue=512),
        lambda: self_distillation(TILED, PROJECTOR, aligned_places(), **SCHEDULE, dense=DENSE),
        "places",
    ),
    "byol: predictor": Control(
        lambda: byol.byol(ENCODER, PROJECTOR, heads.mlp(widths=(64, 32)), **SCHEDULE),
        lambda: self_distillation(ENCODER, PROJECTOR, COSINE, **SCHEDULE),
        "spread",
    ),
    "rho_byol: predictor": Control(
        lambda: rho_byol.rho_byol(ENCODER, PROJECTOR, heads.mlp(widths=(64, 32)), **SCHEDULE),
        lambda: self_distillation(ENCODER, PROJECTOR, lenses.at(pairs.rho_byol(), name="projection"), **SCHEDULE),
        "spread",
    ),
    "simsiam: stop-gradient": Control(
        lambda: simsiam.simsiam(ENCODER, PROJECTOR, PREDICTOR),
        lambda: simsiam.simsiam(ENCODER, PROJECTOR, PREDICTOR),
        "spread",
        (jax.lax, "stop_gradient", lambda x: x),
    ),
    "vicreg: variance": Control(
        lambda: vicreg.vicreg(ENCODER, PROJECTOR),
        lambda: vicreg.vicreg(ENCODER, PROJECTOR, variance=0.0),
        "std",
    ),
    "dino: center": Control(lambda: dino_with(0.04), lambda: dino_with(0.04, center_momentum=1.0), "one prototype"),
    "dino: sharpening": Control(lambda: dino_with(0.04), lambda: dino_with(0.1), "uniform"),
    "swav: balance": Control(
        lambda: swav.swav(ENCODER, PROJECTOR, prototypes=K),
        lambda: swav.swav(ENCODER, PROJECTOR, prototypes=K),
        "one prototype",
        (clustering, "sinkhorn", unbalanced),
    ),
    "deepcluster_v2: k-means": Control(
        lambda: deepcluster_v2.deepcluster_v2(ENCODER, PROJECTOR, examples=EXAMPLES, heads=2, centroids=K),
        frozen_centroids,
        "labels",
    ),
}
CANNOT = {
    "clip": "its guard is SimCLR's, the other rows of the batch: tests/criteria hold it to its formula",
    "ibot": "its guards are DINO's, which has its controls; tests/criteria hold the center of patches to its formula",
    "knowledge_distillation": "its target is a network that no step moves",
    "mae": "pixels are its target: a constant prediction is no small loss",
    "rotation": "labels are its target: the same features for all four turns are no small loss",
    "barlow_twins": "without its second term the dimensions are copies of each other and no point: tests/losses holds "
    "the term to its formula",
}
CONTROLS |= {
    f"{name}: {guard}": Control(*control)
    for name in tiny.METHODS
    for guard, control in tiny.of(name, "controls", lambda *nets: {})(ENCODER, PROJECTOR, PREDICTOR).items()
}
CANNOT |= {name: reason for name in tiny.METHODS if (reason := tiny.of(name, "NO_CONTROL", ""))}
"""Methods that need no control, and why."""
QUICK = ("byol: predictor", "dino: center", "swav: balance")


def trained(method: Method):
    rows = real.images("train", EXAMPLES)
    options = {"xla_backend_optimization_level": 1}
    views = lambda key: real.crops(key, rows)  # noqa: E731
    states, _ = real.train(method, optax.adam(0.01), views, batch=BATCH, epochs=EPOCHS, options=options)
    return states[-1]


def health(state, measure: str) -> float:
    """A number near 0 where the state is collapsed in the way that `measure` names, and well above it where not."""
    if measure == "labels":  # the entropy of how often each cluster is named
        labels = np.asarray(state.method_state["criterion"].labels).reshape(EXAMPLES, -1)[:, 0]
        share = np.bincount(labels[labels >= 0], minlength=K) / max((labels >= 0).sum(), 1)
        return float(-(share[share > 0] * np.log(share[share > 0])).sum())
    if measure == "places":  # the spread of the dense projections of all places of all images
        params, stats = state.params, state.method_state["stats"]
        images = real.whole(real.images("test", 512))
        grid = TILED.apply(params["encoder"], stats["encoder"], images, train=False)[0]["tokens"]
        return float(monitors.spread(DENSE.apply(params["dense"], {}, grid.reshape(-1, 64), train=False)[0]))
    with_head = measure in ("one prototype", "uniform") and "prototypes" not in state.params["criterion"]
    params, stats = state.params, state.method_state["stats"]
    if with_head:
        params, stats = state.method_state["teacher"], state.method_state["teacher_stats"]
    images, net, head = (
        real.whole(real.images("test", 512)),
        *((NORMED, DINO_HEAD) if with_head else (ENCODER, PROJECTOR)),
    )
    pool = net.apply(params["encoder"], stats["encoder"], images, train=False)[0]["pool"]
    z = head.apply(params["projector"], stats["projector"], pool, train=False)[0]
    if measure == "spread":
        return float(monitors.spread(z))
    if measure == "classes":  # the entropy of how often the criterion's layer names each
        layer = params["criterion"]
        named = jnp.argmax(jax.nn.relu(z) @ layer["kernel"] + layer["bias"], 1)
        return float(monitors.entropy(jnp.mean(jax.nn.one_hot(named, K), 0)[None]))
    if measure == "std":
        return float(jnp.mean(jnp.std(z, 0)))
    if with_head:
        logits = z
    else:  # SwAV's are columns, MSN's rows
        rows = params["criterion"]["prototypes"]
        logits = contrastive.unit(z) @ (rows if len(rows) == z.shape[1] else contrastive.unit(rows).T)
    p = jax.nn.softmax(logits / 0.1, -1)
    if measure == "uniform":
        return float(np.log(K) - monitors.entropy(p))
    return float(monitors.entropy(jnp.mean(p, 0)[None]))


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CONTROLS])
def test_without_its_guard_a_method_collapses_and_with_it_not(name):
    control = CONTROLS[name]
    whole = health(trained(control.whole()), control.measure)
    with mock.patch.object(*control.patch) if control.patch else mock.patch.dict({}):
        without = health(trained(control.without()), control.measure)
    assert without < 0.1, f"{name}: {control.measure} is {without:.3f} without it, {whole:.3f} with it"
    assert whole > 0.2 and whole > 5 * without, f"{name}: {control.measure} is {whole:.3f} with it"


@pytest.mark.parametrize("name", tiny.METHODS)
def test_every_method_has_a_control_or_a_reason(name):
    assert name in CANNOT or any(control.split(":")[0] == name for control in CONTROLS), (
        f"say in CONTROLS what keeps {name} from collapse, or in CANNOT why it needs nothing"
    )
