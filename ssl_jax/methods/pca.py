"""PCA (Pearson 1901): the directions in which images vary most, found in one pass; no step learns anything."""

import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.paradigms.fitted import fitted
from ssl_jax.passes import moments, rows, times
from ssl_jax.tasks import pictures
from ssl_jax.types import Card, Method, Net

CARD = Card("PCA", "reconstruction", 1901)


def pca(encoder: Net, *, whiten: bool = False, epsilon: float = 1e-6) -> Method:
    """encoder: `components`, whose number it says. whiten: features over sqrt(variance + epsilon), of variance 1.
    Found beside the weights: "variance" [k], of the components over n - 1, and "total" of the images. The loss is the
    squared error of the reconstruction, on average over all images the sum of the variances that are left out."""
    ranges.zero_or_more(epsilon=epsilon)

    def finish(state, found, key):
        mean, kernel = (state.method_state["encoder"][name] for name in ("mean", "kernel"))
        columns, variances = moments.principal(found, kernel.shape[-1])
        variance = variances[: columns.shape[1]]
        columns = columns / jnp.sqrt(variance + epsilon)[None] if whiten else columns
        new = {"mean": found.mean.reshape(mean.shape), "kernel": columns.reshape(kernel.shape)}
        rest = {"variance": variance, "total": jnp.sum(variances)}
        return state._replace(method_state={**state.method_state, "encoder": new, "found": rest})

    def error(weights, images):
        return moments.unexplained(rows.flat(images - weights["mean"][None]), rows.columns(weights["kernel"]))

    def nothing(weights):
        return {"variance": 0 * weights["kernel"][0, 0, 0], "total": 0 * weights["mean"][0, 0, 0]}

    def shown(weights, images):
        made = moments.projected(rows.flat(images), weights["mean"].reshape(-1), rows.columns(weights["kernel"]))
        return pictures.of_parts("components", pictures.of_components(**weights), images, made.reshape(images.shape))

    one = moments.measuring(lambda state: state.method_state["encoder"]["mean"], finish, due=times.at_the_start)
    return fitted(encoder, error, found=nothing, passes=(one,), pictures=shown)
