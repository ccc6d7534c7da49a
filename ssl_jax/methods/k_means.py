"""k-means (Lloyd 1982): images as their distances from the means of clusters; each step of it is a pass."""

import jax.numpy as jnp

from ssl_jax.paradigms.fitted import fitted
from ssl_jax.passes import lloyd, rows, sample, times
from ssl_jax.tasks import pictures
from ssl_jax.types import Card, Method, Net

CARD = Card("k-means", "reconstruction", 1982)


def k_means(encoder: Net, *, iterations: int = 20, start: str = "k-means++", drawn: int = 4096) -> Method:
    """encoder: `centroids`, whose number it says. start: "k-means++" or "random", of `drawn` random images.

    Found beside the weights, of the last step's centroids before they moved: "inertia", and "size" [k] of the clusters.
    The loss is the squared distance from the nearest centroid.
    """

    def centroids(state):
        return rows.columns(state.method_state["encoder"]["kernel"]).T

    def put(state, centroids, **found):
        held, kernel = state.method_state, centroids.T.reshape(state.method_state["encoder"]["kernel"].shape)
        return state._replace(method_state={**held, "encoder": {"kernel": kernel}, "found": {**held["found"], **found}})

    def error(weights, images):
        return lloyd.assigned(rows.flat(images), rows.columns(weights["kernel"]).T)[1]

    def nothing(weights):
        return {"inertia": 0 * weights["kernel"][0, 0, 0, 0], "size": 0 * weights["kernel"][0, 0, 0]}

    def shown(weights, images):
        centers = jnp.moveaxis(weights["kernel"], -1, 0)
        made = centers[lloyd.assigned(rows.flat(images), rows.flat(centers))[0]]
        return pictures.of_parts("centers", centers, images, made)

    first = sample.starting(centroids, put, start=start, count=drawn, due=times.at_the_start)
    then = lloyd.steps(centroids, put, iterations=iterations, due=times.at_the_start)
    return fitted(encoder, error, found=nothing, passes=(first, then), pictures=shown)
