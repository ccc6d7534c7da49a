"""Images that are mixed with others of the batch, and their classes with them."""

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key


def mixed(key: Key, images: Array, targets: Array, *, mixup: float = 0.0, cutmix: float = 0.0) -> tuple[Array, Array]:
    """Images [n, h, w, c] and their targets [n, k], mixed with those of the batch in reverse order.

    mixup: alpha of the Beta distribution whose draw is the share of the image itself (arXiv:1710.09412). cutmix: the
    same of the area that stays, a rectangle of the other image being pasted (arXiv:1905.04899). With both, one of them
    by a fair coin; with neither, nothing is mixed. One draw for the batch, as in timm's code, which MAE and DeiT use.
    """
    if not (mixup or cutmix):
        return images, targets
    coin, mixup_key, cutmix_key, place = jax.random.split(key, 4)
    cut = jax.random.uniform(coin) < 0.5 if mixup and cutmix else jnp.asarray(bool(cutmix))
    shares = [jax.random.beta(k, a or 1.0, a or 1.0) for k, a in ((mixup_key, mixup), (cutmix_key, cutmix))]
    inside = rectangle(place, images.shape[1:3], 1 - shares[1])
    own = jnp.where(cut, 1 - inside.astype(jnp.float32), shares[0].astype(jnp.float32))
    share = jnp.mean(own).astype(targets.dtype)  # of the rectangle what lies within the image
    own = own[None, :, :, None].astype(images.dtype)
    return own * images + (1 - own) * images[::-1], share * targets + (1 - share) * targets[::-1]


def rectangle(key: Key, size: tuple[int, int], area: Array) -> Array:
    """bool [h, w]: a rectangle with a share of the area and the image's aspect, its middle anywhere, cut at borders."""
    inside = []
    for axis, (own, side) in enumerate(zip(jax.random.split(key), size, strict=True)):
        half = (side * jnp.sqrt(area)).astype(jnp.int32) // 2
        middle = jax.random.randint(own, (), 0, side)
        at = jnp.arange(side)
        inside.append(jnp.expand_dims((at >= middle - half) & (at < middle + half), 1 - axis))
    return inside[0] & inside[1]


def smoothed(labels: Array, classes: int, smoothing: float) -> Array:
    """int32 [n] -> float32 [n, classes]: 1 - smoothing for the class, and `smoothing` spread evenly over all."""
    return (1 - smoothing) * jax.nn.one_hot(labels, classes, dtype=jnp.float32) + smoothing / classes
