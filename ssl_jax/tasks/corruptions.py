"""What is done to images before a denoising autoencoder sees them."""

import jax

from ssl_jax.types import Array, Key


def gaussian(key: Key, images: Array, *, amount: float) -> Array:
    """Normal noise of this standard deviation, in the units of the images [b, h, w, c] (Vincent et al. 2010, 3.3)."""
    return images + amount * jax.random.normal(key, images.shape, images.dtype)


def masking(key: Key, images: Array, *, amount: float) -> Array:
    """This share of the pixels of [b, h, w, c], drawn one by one, becomes 0 in all channels (Vincent et al. 2008, 2.3).

    0 is the mean of normalized images.
    """
    kept = jax.random.uniform(key, (*images.shape[:-1], 1)) >= amount
    return images * kept.astype(images.dtype)


CORRUPTIONS = {"gaussian": gaussian, "masking": masking}
"""(key, images, amount=) -> images."""
