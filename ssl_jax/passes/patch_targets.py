"""The targets of MAE's ablation (arXiv:2111.06377, table 1d), two of which a pass over the patches finds."""

from typing import NamedTuple

import jax.numpy as jnp

from ssl_jax.checks import ranges, spelling
from ssl_jax.losses.precision import matmul, widen
from ssl_jax.passes import moments, patch_codes, times
from ssl_jax.tasks import pixels, targets
from ssl_jax.tasks.targets import Target
from ssl_jax.types import Array, Key, TrainState

TARGETS = ("normalized", "pixels", "pca", "codes")
"""Their names in recipes."""


class Components(NamedTuple):
    """mean: [d], of all patches. columns: [d, k], their first principal components, orthonormal."""

    mean: Array
    columns: Array


def of(name: str, *, patch: int, components: int, codes: int) -> Target:
    """The target of that name. Raises ValueError for another than those of `TARGETS`.

    components: of "pca", coefficients that are predicted. codes: of "codes", centers of the codebook.
    """
    if name not in TARGETS:
        raise ValueError(spelling.unknown(name, TARGETS, "the targets of mae"))
    made = {
        "normalized": lambda: targets.normalized(patch),
        "pixels": lambda: targets.raw(patch),
        "pca": lambda: coefficients(patch, components),
        "codes": lambda: nearest(patch, codes),
    }
    return made[name]()


def coefficients(patch: int, count: int) -> Target:
    """The first `count` coefficients of each patch in the principal components of all, 96 in the paper."""
    ranges.above_zero(components=count)

    def of(images: Array, y: dict, found: Components) -> Array:
        return matmul(widen(pixels.patchify(images, patch)) - found.mean[None, None], found.columns[None])

    def painted(prediction: Array, images: Array, found: Components) -> Array:
        rows = matmul(prediction, found.columns.T[None]) + found.mean[None, None]
        return pixels.unpatchify(rows, patch, height=images.shape[1], width=images.shape[2])

    def unknown(key: Key, images: Array) -> Components:
        mean = 0 * widen(pixels.patchify(images, patch))[0, 0]
        if count > len(mean):
            raise ValueError(f"components is {count} and a patch has {len(mean)} values; take {len(mean)} or fewer")
        return Components(mean, jnp.zeros((len(mean), count), mean.dtype))

    def finish(state: TrainState, found: moments.Moments, key: Key) -> TrainState:
        new = Components(found.mean, moments.principal(found, count)[0])
        return state._replace(method_state={**state.method_state, "target": new})

    mean_of = lambda state: state.method_state["target"].mean  # noqa: E731
    rows_of = lambda batch: _clean(batch, patch)  # noqa: E731
    one = moments.measuring(mean_of, finish, due=times.at_the_start, rows_of=rows_of)
    return Target(of, lambda images, targets: f"out={count}", painted=painted, found=unknown, passes=(one,))


def nearest(patch: int, count: int) -> Target:
    """The number of the nearest center of a codebook of patches by k-means, in the place of the paper's dVAE."""

    def of(images: Array, y: dict, found: patch_codes.Codebook) -> Array:
        return patch_codes.codes(pixels.patchify(images, patch), found.centers)

    def painted(prediction: Array, images: Array, found: patch_codes.Codebook) -> Array:
        rows = found.centers[jnp.argmax(prediction, -1)]
        return pixels.unpatchify(rows, patch, height=images.shape[1], width=images.shape[2])

    def unknown(key: Key, images: Array) -> patch_codes.Codebook:
        return patch_codes.init(key, pixels.patchify(images, patch), count)

    one = patch_codes.fitting(lambda batch: _clean(batch, patch), *patch_codes.under("target"))
    return Target(
        of, lambda images, targets: f"out={count}", classes=count, painted=painted, found=unknown, passes=(one,)
    )


def _clean(batch: dict, patch: int) -> Array:
    return pixels.patchify(batch["clean"][:, 0], patch)
