"""SMoG's criterion: groups that move with each step, and whose motion is learned through."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import clustering, contrastive
from ssl_jax.losses.precision import matmul, wide, widen
from ssl_jax.state import queue
from ssl_jax.types import Array, Criterion, Key


class Groups(NamedTuple):
    """The state. centers: [k, d], any norm. past: a Queue of projections [n, d], which `regroup` clusters."""

    centers: Array
    past: queue.Queue


def smog(*, groups: int = 300, past: int = 76800, beta: float = 0.99, temperature: float = 0.1) -> Criterion:
    """SMoG (arXiv:2207.06167, eq. 3 to 6; lightly): the student's prediction finds the group of the teacher's view.

    student: {"projection": [b, v, d], "prediction": [b, v, d]}, teacher: {"projection": [b, w, d]}, any norm. The
    teacher's rows take the group of greatest cosine. Before the cross-entropy the groups move: `beta` of a center
    stays, the rest is the mean of the student's projections that are nearest to it, through which gradients flow; a
    group without any stays. Student views are rows like others; each is compared with the teacher's last view. State:
    Groups, of which the centers start as random unit vectors; `past`: projections of the first student view that are
    kept, a multiple of the batch. log k where nothing is known. Metrics: "groups/used", "groups/evenness" of the
    targets.
    """
    ranges.above_zero(groups=groups, past=past, temperature=temperature)
    ranges.share(beta=beta)

    def init(key, seen):
        views.require(
            seen._replace(student=seen.student["projection"], teacher=seen.teacher["projection"]), pairs=views.every
        )
        (b, _, d), dtype = seen.student["projection"].shape, wide(seen.student["projection"].dtype)
        first, second = jax.random.split(key)
        centers = contrastive.unit(jax.random.normal(first, (groups, d), dtype))
        return {}, Groups(centers, queue.init(second, past, (d,), write=b, dtype=dtype))

    def loss(params, state, seen):
        old, target = jax.lax.stop_gradient((state.centers, seen.teacher["projection"][:, -1]))
        label = clustering.nearest(widen(target), contrastive.unit(old))
        moved = contrastive.unit(_moved(old, _rows(seen.student["projection"]), beta))
        logits = matmul(contrastive.unit(seen.student["prediction"]), moved.T) / temperature
        value = clustering.labeled(logits, jnp.broadcast_to(label[:, None], logits.shape[:2]))
        share = jnp.mean(jax.nn.one_hot(label, groups), 0)[None]
        return value, {
            "groups/used": jnp.sum((share > 0).astype(jnp.float32)),
            "groups/evenness": monitors.evenness(share),
        }

    def update(state, seen):
        z = jax.lax.stop_gradient(seen.student["projection"])
        return Groups(_moved(state.centers, _rows(z), beta), queue.write(state.past, widen(z[:, 0])))

    return Criterion(init, loss, update)


def regroup(key: Key, state: Groups, *, iterations: int = 10) -> Groups:
    """The centers anew, by spherical k-means of what is kept of the past; as they are before anything was written."""
    rows = contrastive.unit(state.past.rows)
    written = jnp.arange(len(rows), dtype=jnp.int32) < state.past.filled
    centers, _ = clustering.kmeans(key, rows, written, clusters=len(state.centers), iterations=iterations)
    return state._replace(centers=jnp.where(state.past.filled > 0, centers, state.centers))


def _moved(centers: Array, rows: Array, beta: float) -> Array:
    """The centers [k, d], each a step nearer to the mean of its rows."""
    member = jax.nn.one_hot(
        clustering.nearest(jax.lax.stop_gradient(rows), contrastive.unit(centers)), len(centers), dtype=rows.dtype
    )
    size = jnp.sum(member, 0)[:, None]
    mean = matmul(member.T, rows) / jnp.maximum(size, 1)
    return jnp.where(size > 0, beta * centers + (1 - beta) * mean, centers)


def _rows(views: Array) -> Array:
    return widen(views).reshape(-1, views.shape[-1])
