"""All4One's criterion: the nearest neighbor, several of them in one vector, and the features of the batch."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, neighbors, views
from ssl_jax.losses import contrastive, redundancy
from ssl_jax.state import queue
from ssl_jax.types import Array, Criterion, Net, Seen


def symbiotic(
    transformer: Net,
    *,
    size: int = 98304,
    count: int = 5,
    temperature: float = 0.2,
    centroid_temperature: float = 0.1,
    neighbor_weight: float = 0.5,
    centroid_weight: float = 0.5,
    feature_weight: float = 5.0,
) -> Criterion:
    """All4One (arXiv:2303.09417, section 3; code): a weighted sum of three contrasts of two views or more.

    student: {"projection", "prediction", "second_prediction"}; teacher: {"projection"}; [b, v, d] each, any norm, the
    same views on both sides. neighbors: `neighbors.nearest` of the "prediction". centroids: for each view the
    transformer, [n, count, d] -> [n, d], makes a vector of the `count` nearest rows of the queue; each finds, among the
    batch, what the transformer makes of another view's "second_prediction" in front of that view's count - 1 nearest
    rows. features: `redundancy.feature_contrast` of the teacher's unit projections and the student's.
    feature_weight: the code's 0.5 times 10. State: that of `neighbors.nearest`, one queue for both. Parameters:
    {"transformer": ...}; its dropout draws from the step's key. Metrics: "TERM/loss" of the three, and the neighbors'.
    At collapse: log b, log b and 1 / 2. `init` raises ValueError as `neighbors.nearest`, for a queue below `count`
    rows, for small crops and for a transformer with batch statistics.
    """
    ranges.above_zero(count=count, centroid_temperature=centroid_temperature)
    weights = dict(neighbors=neighbor_weight, centroids=centroid_weight, features=feature_weight)
    ranges.zero_or_more(neighbor_weight=neighbor_weight, centroid_weight=centroid_weight, feature_weight=feature_weight)
    nearest = neighbors.nearest(size=size, temperature=temperature)
    nearest = lenses.at(nearest, name="prediction", teacher="projection")

    def init(key, seen):
        _, state = nearest.init(key, seen)
        _require(seen, size, count)
        b, _, d = seen.teacher["projection"].shape
        few = jnp.zeros((b, count, d), state.rows.rows.dtype)
        params, stats = transformer.init(jax.random.fold_in(key, 0), few)
        if jax.tree.leaves(stats):
            raise ValueError("the network that mixes neighbors has batch norm; take neighbor_transformer")
        return {"transformer": params}, state

    def centroids(params, state, seen):
        known, second = seen.teacher["projection"], seen.student["second_prediction"]
        b, v, d = second.shape
        found = jnp.stack([queue.several(state.rows, known[:, t], count) for t in range(v)], 1)
        asked = jnp.concatenate([second[:, :, None].astype(found.dtype), found[:, :, :-1]], 2)
        rows = jnp.stack([found, asked], 1).reshape(2 * b * v, count, d)  # one draw of dropout for all
        made, _ = transformer.apply(params["transformer"], {}, rows, train=True, key=seen.key)
        made = made.reshape(b, 2, v, d)
        return _mean(made[:, 0], made[:, 1], views.crossed(v, v), centroid_temperature)

    def loss(params, state, seen):
        closest, metrics = nearest.loss({}, state, seen)
        known = contrastive.unit(jax.lax.stop_gradient(seen.teacher["projection"]))
        compared = views.crossed(known.shape[1], known.shape[1])
        features, parts = redundancy.feature_contrast(known, seen.student["projection"], pairs=compared)
        terms = dict(neighbors=closest, centroids=centroids(params, state, seen), features=features)
        metrics |= {f"{name}/loss": value for name, value in terms.items()}
        metrics |= {f"features/{name}": value for name, value in parts.items()}
        return sum(weights[name] * value for name, value in terms.items()), metrics

    return Criterion(init, loss, nearest.update)


def _mean(rows: Array, candidates: Array, compared: list[tuple[int, int]], temperature: float) -> Array:
    terms = [contrastive.in_batch(rows[:, t], candidates[:, s], temperature) for t, s in compared]
    return sum(terms) / len(terms)


def _require(seen: Seen, size: int, count: int) -> None:
    v, w = seen.student["projection"].shape[1], seen.teacher["projection"].shape[1]
    if v != w:
        raise ValueError(
            f"this loss looks for neighbors of each of the student's {v} views, and the teacher sees {w}: "
            "take views of group 'local' out"
        )
    if size < count:
        raise ValueError(f"a queue of {size} rows has no {count} neighbors; make it longer")
