"""What every criterion must do."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from numpy.testing import assert_allclose

from ssl_jax.criteria import (
    aggregated,
    assigned,
    balanced,
    centered,
    channels,
    covariance,
    distilled,
    gaussian,
    instances,
    labeled,
    margins,
    masked_siamese,
    neighbor_targets,
    neighbors,
    pairs,
    patches,
    pseudo_labels,
    queued,
    relational,
    self_labeled,
    spectral,
    swapped,
    whitened,
)
from ssl_jax.types import Seen

CRITERIA = {
    "nt_xent": pairs.nt_xent(),
    "decoupled": pairs.decoupled(),
    "decoupled_weighted": pairs.decoupled(sigma=0.5),
    "supcon": labeled.supcon(),
    "hadsell": margins.hadsell(margin=3.0),
    "bromley": margins.bromley(),
    "triplet": margins.triplet(),
    "triplet_hardest": margins.triplet(squared=False, mining="hardest"),
    "byol": pairs.byol(),
    "moco_v3": pairs.moco_v3(),
    "simsiam": pairs.simsiam(),
    "rho_byol": pairs.rho_byol(),
    "barlow": pairs.barlow(),
    "vicreg": pairs.vicreg(),
    "vibcreg": pairs.vibcreg(),
    "across": pairs.across(),
    "fast_siam": pairs.fast_siam(),
    "neighbor_targets": neighbor_targets.byol(size=32),
    "relational": relational.relational(size=32),
    "mmcr": spectral.mmcr(local_weight=0.1),
    "frossl": spectral.frossl(),
    "masked_siamese": masked_siamese.masked_siamese(target_temperature=lambda step: jnp.float32(0.25), prototypes=5),
    "balanced": balanced.balanced(teacher_temperature=lambda step: jnp.float32(0.1)),
    "koleo": balanced.koleo(among=16),
    "lejepa": gaussian.lejepa(directions=8),
    "tico": covariance.tico(),
    "w_mse": whitened.w_mse(size=16),
    "queued": queued.queued(size=32),
    "symmetric": queued.symmetric(size=32),
    "nearest": neighbors.nearest(size=32),
    "centered": centered.centered(teacher_temperature=lambda step: jnp.float32(0.04)),
    "swapped": swapped.swapped(prototypes=5),
    "swapped_queued": swapped.swapped_queued(size=16, prototypes=5),
    "assigned": assigned.assigned(examples=16, centroids=5),
    "instances": instances.instances(examples=16, form="full"),
    "aggregated": aggregated.aggregated(examples=16, clusters=5, runs=2, background=8, negatives=8),
    "pseudo_labels": pseudo_labels.pseudo_labels(examples=16, clusters=5, components=4),
    "self_labeled": self_labeled.self_labeled(examples=16, heads=2, clusters=5),
    "remembered": self_labeled.remembered(examples=16, heads=2, prototypes=5),
    "crossed": channels.crossed(examples=16, form="full"),
    "patches": patches.squared(),
    "chamfer": patches.chamfer(),
    "features": distilled.features(),
    "soft_targets": distilled.soft_targets(),
}
VIEWS = {
    "instances": (1, 1),
    "aggregated": (1, 1),
    "crossed": (1, 1),
    "nt_xent": (2, 2),
    "symmetric": (2, 2),
    "queued": (1, 1),
    "patches": (3, 3),
    "chamfer": (3, 3),
}


def clustered(name: str, state: Any, key: jax.Array) -> Any:
    """The state as the pass of a method that clusters leaves it."""
    if name == "assigned":
        return assigned.recluster(key, state)
    if name == "aggregated":
        return state._replace(groups=_some(state.groups), clustered=jnp.ones((), bool))
    return state._replace(labels=_some(state.labels)) if hasattr(state, "labels") else state


def _some(labels: jax.Array) -> jax.Array:
    return (jnp.arange(labels.size, dtype=labels.dtype) % 5).reshape(labels.shape)


class Case(NamedTuple):
    """A criterion at its second step: what it sees, and a jitted `run` with its results on one device."""

    params: dict
    state: Any
    seen: Seen
    run: Callable
    results: Any


@pytest.fixture(scope="module", params=CRITERIA)
def case(request, see):
    criterion, views = CRITERIA[request.param], VIEWS.get(request.param, (3, 2))
    first, second = (see(16, *views, 6, seed=seed) for seed in (1, 2))

    def begin(key):
        params, state = criterion.init(key, first)
        state = criterion.update(state, first)
        return params, clustered(request.param, state, key)

    def run(params, state, seen):
        def loss(params, student, teacher, floats):
            changed = jax.tree.map(lambda x, y: x if y is None else y, state, floats, is_leaf=lambda x: x is None)
            return criterion.loss(params, changed, seen._replace(student=student, teacher=teacher))

        floats = jax.tree.map(lambda x: x if jnp.issubdtype(x.dtype, jnp.floating) else None, state)
        slopes = jax.value_and_grad(loss, (0, 1, 2, 3), has_aux=True)
        return slopes(params, seen.student, seen.teacher, floats), criterion.update(state, seen)

    with jax.enable_x64(True), jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        params, state = jax.jit(begin)(jax.random.key(0))
        run = jax.jit(run)
        yield Case(params, state, second, run, run(params, state, second))


def test_a_mesh_changes_nothing(case):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))

    def place(x):
        rows = x.ndim > 0 and x.shape[0] % 8 == 0
        return jax.device_put(x, NamedSharding(mesh, PartitionSpec("data") if rows else PartitionSpec()))

    spread = case.run(*jax.tree.map(place, (case.params, case.state, case.seen)))
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-9, atol=1e-12), case.results, spread)


def test_no_gradient_reaches_the_teacher_or_the_state(case):
    (_, (_, student, teacher, floats)), _ = case.results
    assert np.abs(student).max() > 1e-6
    assert not any(np.any(x) for x in jax.tree.leaves((teacher, floats)))


def test_the_order_of_the_batch_changes_nothing(case):
    order, seen = np.random.default_rng(3).permutation(16), case.seen
    other = seen._replace(
        student=seen.student[order], teacher=seen.teacher[order], batch=jax.tree.map(lambda a: a[order], seen.batch)
    )
    results = case.run(case.params, case.state, other)[0]
    (value, metrics), (params, student, _, _) = case.results[0]
    close = functools.partial(assert_allclose, rtol=1e-10, atol=1e-12)
    jax.tree.map(close, results[0], (value, metrics))
    jax.tree.map(close, results[1][:2], (params, student[order]))


@pytest.mark.parametrize("name", CRITERIA)
def test_bfloat16_gives_finite_float32_and_a_state_of_one_type(see, name):
    criterion, seen = CRITERIA[name], see(16, *VIEWS.get(name, (3, 2)), 6)
    half = seen._replace(student=seen.student.astype(jnp.bfloat16), teacher=seen.teacher.astype(jnp.bfloat16))

    def step(key):
        params, state = criterion.init(key, half)
        return criterion.loss(params, state, half), state, criterion.update(state, half)

    (value, metrics), before, after = jax.jit(step)(jax.random.key(0))
    assert value.dtype == jnp.float32
    assert all(x.shape == () and np.isfinite(x) for x in (value, *metrics.values()))
    assert jax.tree.map(jax.typeof, before) == jax.tree.map(jax.typeof, after)


ONE_VIEW = {
    *("queued", "patches", "chamfer", "assigned", "features", "soft_targets", "instances"),
    *("aggregated", "pseudo_labels", "self_labeled", "remembered"),
    "crossed",
    *("tico", "relational", "masked_siamese", "koleo"),
}
"""Criteria that compare one view with the teacher's, or none with any, or refuse one in other words."""


@pytest.mark.parametrize("name", sorted(set(CRITERIA) - ONE_VIEW))
def test_one_view_is_refused(see, name):
    with pytest.raises(ValueError, match="at least 2 views of an image, got 1"):
        CRITERIA[name].init(jax.random.key(0), see(16, 1, 1, 6))


@pytest.mark.parametrize(
    "name", ["barlow", "vicreg", "decoupled", "supcon", "nearest", "moco_v3", "hadsell", "triplet", "vibcreg"]
)
def test_one_example_is_refused_where_others_are_needed(see, name):
    with pytest.raises(ValueError, match="at least 2 examples in a batch, got 1"):
        CRITERIA[name].init(jax.random.key(0), see(1, 2, 2, 6))
