"""Losses that compare a prediction with what was hidden."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen

Array = jax.Array


def masked_mean(values: Array, mask: Array) -> Array:
    """The mean of values where mask is true, over the whole batch (arXiv:2111.06377, section 3); 0 for an empty mask.

    values, mask: [b, l]. Entries outside the mask reach neither the value nor the gradient.
    """
    chex.assert_equal_shape([values, mask])
    values = widen(values)
    return jnp.sum(jnp.where(mask, values, 0)) / jnp.maximum(jnp.sum(mask), 1).astype(values.dtype)


def squared(prediction: Array, target: Array) -> Array:
    """MAE's error of each patch (arXiv:2111.06377, section 3): [b, l], the mean over the p values of a patch.

    prediction, target: [b, l, p].
    """
    chex.assert_equal_shape([prediction, target])
    return jnp.mean((widen(prediction) - widen(target)) ** 2, -1)


def hidden_absolute(prediction: Array, target: Array, hidden: Array) -> Array:
    """SimMIM's error (arXiv:2111.09886, eq. 1; code): sum |x - y| of hidden pixels / (their number + 1e-5) / channels.

    prediction, target: [b, l, c n], the n pixels of each patch channel by channel. hidden: bool [b, l, n]. 0 where
    nothing is hidden. Pixels that are seen reach neither the value nor the gradient.
    """
    chex.assert_equal_shape([prediction, target])
    channels = prediction.shape[-1] // hidden.shape[-1]
    apart = jnp.abs(widen(prediction) - widen(target)).reshape(*hidden.shape[:2], channels, -1)
    total = jnp.sum(jnp.where(hidden[:, :, None], apart, 0))
    return total / (jnp.sum(hidden).astype(apart.dtype) + 1e-5) / channels


def normalize(patches: Array) -> Array:
    """Each patch less its mean, over its deviation (arXiv:2111.06377, section 3, `norm_pix`); flat patches become 0.

    patches: [..., p] with p >= 2. The variance is unbiased and gets 1e-6, as in the authors' code.
    Raises ValueError for patches of one value, which have no variance.
    """
    if patches.shape[-1] < 2:
        raise ValueError("a patch of 1 value cannot be normalized; take larger patches or the raw pixels as target")
    patches = widen(patches)
    mean = jnp.mean(patches, -1, keepdims=True)
    return (patches - mean) * jax.lax.rsqrt(jnp.var(patches, -1, keepdims=True, ddof=1) + 1e-6)


def hidden_squared(prediction: Array, target: Array, hidden: Array, *, shown: float) -> Array:
    """A squared error that counts `shown` times where pixels are not hidden: the mean over [b, h, w, c].

    hidden: bool [b, h, w], or [1, h, w] for all. Context encoders (arXiv:1604.07379, code, "overlapPred"; with shown=0
    eq. 1): the mean is over all numbers, whatever they count.
    """
    chex.assert_equal_shape([prediction, target])
    chex.assert_rank([prediction, hidden], [4, 3])
    chex.assert_equal_shape([prediction, hidden], dims=(1, 2))
    error = (widen(prediction) - widen(target)) ** 2
    return jnp.mean(error * jnp.where(hidden, 1, shown).astype(error.dtype)[..., None])
