"""k-means of whitened patches (Coates, Lee & Ng 2011): images as what their patches are to centroids."""

import jax.numpy as jnp

from ssl_jax.paradigms.fitted import fitted
from ssl_jax.passes import whitened_patches
from ssl_jax.tasks import pictures
from ssl_jax.types import Card, Method, Net

CARD = Card("k-means of patches", "reconstruction", 2011)


def patch_k_means(encoder: Net, *, drawn: int = 2**16, iterations: int = 10, epsilon: float = 0.1) -> Method:
    """encoder: `patch_centroids`. drawn: patches of all images, of which the whitening is made, with `epsilon` added to
    the variances, and the centroids. Found beside the weights, of these: "size" [k], "error" and "different".

    The loss is the squared distance of a whitened patch from the nearest centroid.
    """

    def patches(weights, images):
        return encoder.apply(weights, {}, images, train=False, patches=True)[0]

    def error(weights, images):
        return whitened_patches.nearest(patches(weights, images)["whitened"], weights["kernel"].T)

    def guess(weights, images):
        return jnp.mean(jnp.sum(jnp.square(patches(weights, images)["whitened"]), 2), 1)

    def shown(weights, images):
        centers, channels = weights["kernel"].T, images.shape[-1]
        side = round((centers.shape[1] / channels) ** 0.5)
        filters = pictures.contrasted(centers[: pictures.MOST].reshape(-1, side, side, channels))
        return {"centers": {"centers": filters}}

    options = dict(drawn=drawn, iterations=iterations, epsilon=epsilon, option="nets.encoder.out")
    one = whitened_patches.fitting(lambda weights, images: patches(weights, images)["patches"], **options)
    found = dict(found=whitened_patches.nothing, passes=(one,))
    return fitted(encoder, error, **found, pictures=shown, guess=guess)
