"""LARS, which is four different optimizers (You et al. 2017, arXiv:1708.03888, as four lines of code wrote it).

All multiply the gradient of each parameter w by a ratio coefficient * ||w|| / ||g||, so that a step moves each by the
same part of its norm. They differ in the order of momentum and rate, which matters while the rate changes, that is all
through the warm-up; in what the norm is of; in which parameters are left alone; and in a clip.

| | decay and ratio | momentum | one-dimensional parameters |
|---|---|---|---|
| lars_rate_then_momentum | c w / (g + d w) | of the rated updates | neither decayed nor adapted |
| lars_momentum_then_rate | c w / (g + d w) | before the rate | neither decayed nor adapted |
| larc                    | c w / (g + d w + eps), norms apart | before the rate | as all others |
| larc_clipped            | as larc, over the rate, at most 1 | before the rate | neither decayed nor adapted |
"""

from collections.abc import Callable

import jax.numpy as jnp
import optax

from ssl_jax.optim import leaves
from ssl_jax.types import Array, Schedule, Tree

IsVector = Callable[[str, Array], bool]


def lars_rate_then_momentum(
    lr: Schedule,
    *,
    weight_decay: Schedule | float = 0.0,
    momentum: float = 0.9,
    nesterov: bool = False,
    coefficient: float = 0.001,
    is_vector: IsVector = leaves.is_vector,
) -> optax.GradientTransformation:
    """SimCLR's (arXiv:2002.05709, the official TensorFlow code): `optax.lars` with its two masks set.

    Decayed gradients, trust ratio, rate, then momentum: an old gradient keeps the rate of its own step.
    is_vector: (path, parameter) -> whether it is left undecayed and unadapted.
    """
    return optax.chain(
        *_decayed_and_adapted(weight_decay, coefficient, is_vector),
        optax.scale_by_learning_rate(lr),
        optax.trace(momentum, nesterov),
    )


def lars_momentum_then_rate(
    lr: Schedule,
    *,
    weight_decay: Schedule | float = 0.0,
    momentum: float = 0.9,
    nesterov: bool = False,
    coefficient: float = 0.001,
    is_vector: IsVector = leaves.is_vector,
) -> optax.GradientTransformation:
    """That of BYOL, Barlow Twins, VICReg and MoCo v3 (the official codes): an old gradient takes the rate of today.

    is_vector: (path, parameter) -> whether it is left undecayed and unadapted.
    """
    return optax.chain(
        *_decayed_and_adapted(weight_decay, coefficient, is_vector),
        optax.trace(momentum, nesterov),
        optax.scale_by_learning_rate(lr),
    )


def larc(
    lr: Schedule,
    *,
    weight_decay: Schedule | float = 0.0,
    momentum: float = 0.9,
    nesterov: bool = False,
    coefficient: float = 0.001,
    eps: float = 1e-8,
) -> optax.GradientTransformation:
    """That of SwAV and DeepCluster-v2 (apex's LARC with clip=False): every parameter is decayed and adapted.

    A parameter that is zero, as biases are at first, moves by its bare gradient until it is not.
    """
    return optax.chain(
        scale_by_larc(coefficient=coefficient, weight_decay=weight_decay, eps=eps),
        optax.trace(momentum, nesterov),
        optax.scale_by_learning_rate(lr),
    )


def larc_clipped(
    lr: Schedule,
    *,
    weight_decay: Schedule | float = 0.0,
    momentum: float = 0.9,
    nesterov: bool = False,
    coefficient: float = 0.02,
    eps: float = 1e-8,
    is_vector: IsVector = leaves.is_vector,
) -> optax.GradientTransformation:
    """That of solo-learn's CIFAR and ImageNet-100 recipes: the rate of each weight is the smaller of ratio and `lr`.

    The factor is min(ratio / lr, 1), so that no step exceeds plain SGD's, and one that is not clipped moves a weight
    by `coefficient` of its norm whatever `lr` is.

    is_vector: (path, parameter) -> whether it is left undecayed and unadapted.
    """
    adapt = scale_by_larc(coefficient=coefficient, weight_decay=weight_decay, eps=eps, at_most_sgd=lr)
    return optax.chain(
        optax.masked(adapt, leaves.mask(is_vector)),
        optax.trace(momentum, nesterov),
        optax.scale_by_learning_rate(lr),
    )


def scale_by_larc(
    *, coefficient: float, weight_decay: Schedule | float, eps: float, at_most_sgd: Schedule | None = None
) -> optax.GradientTransformation:
    """g -> (g + d w) r with r = coefficient ||w|| / (||g|| + d ||w|| + eps); g itself where w or g is zero.

    at_most_sgd: the rate that follows; the factor is then min(r / rate, 1).
    """

    def update(updates: Tree, state: optax.ScaleByScheduleState, params: Tree | None = None):
        if params is None:
            raise ValueError("LARC needs the parameters; call update(updates, state, params)")
        decay = weight_decay(state.count) if callable(weight_decay) else weight_decay

        def adapt(g: Array, w: Array) -> Array:
            d, g_norm, w_norm = jnp.asarray(decay, w.dtype), _norm(g), _norm(w)
            ratio = coefficient * w_norm / (g_norm + d * w_norm + eps)
            if at_most_sgd is not None:
                ratio = jnp.minimum(ratio / jnp.asarray(at_most_sgd(state.count), w.dtype), 1.0)
            return jnp.where((w_norm > 0) & (g_norm > 0), (g + d * w) * ratio, g)

        return leaves.each(adapt, updates, params), optax.ScaleByScheduleState(optax.safe_increment(state.count))

    return optax.GradientTransformation(lambda params: optax.ScaleByScheduleState(jnp.zeros((), jnp.int32)), update)


def _norm(x: Array) -> Array:
    return jnp.sqrt(jnp.sum(x * x))


def _decayed_and_adapted(weight_decay: Schedule | float, coefficient: float, is_vector: IsVector) -> tuple:
    """g -> c ||w|| / ||g + d w|| (g + d w), but for vectors."""
    kept = leaves.mask(is_vector)
    ratio = leaves.each_alone(optax.scale_by_trust_ratio(trust_coefficient=coefficient))
    return optax.add_decayed_weights(weight_decay, kept), optax.masked(ratio, kept)
