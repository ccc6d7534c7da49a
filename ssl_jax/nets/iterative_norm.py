"""Iterative normalization: batch norm that also takes the correlations away, without an eigendecomposition."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.heads import ACTIVATIONS, Mlp
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net


def vibcreg_projector(
    *,
    widths: tuple[int, ...] = (4096, 4096, 4096),
    activation: str = "relu",
    blocks: int = 64,
    iterations: int = 5,
    groups: int = 1,
    dtype: str = "float32",
) -> Net:
    """VIbCReg's (arXiv:2109.00783, section 3; code): three layers with batch norm between, `IterNorm` at the end.

    blocks: into which the last layer's features are divided, each whitened alone. activation: solo-learn's is "gelu".
    groups: of the batch norms alone. Raises ValueError where the last width is no multiple of `blocks`.
    """
    one_of("activation", activation, tuple(ACTIVATIONS))
    ranges.above_zero(blocks=blocks, iterations=iterations, groups=groups)
    ranges.above_zero(**{f"width {i}": width for i, width in enumerate(widths, 1)})
    ranges.at_most(MOST, groups=groups, **{f"width {i}": width for i, width in enumerate(widths, 1)})
    ranges.at_most(LAYERS, iterations=iterations)
    if not widths or widths[-1] % blocks:
        raise ValueError(f"{widths[-1] if widths else 0} features cannot be divided into {blocks} equal blocks")
    compute = compute_dtype(dtype)
    body = Mlp(tuple(widths), True, True, True, "none", activation, groups, compute)
    return pure(Whitened(body, blocks, iterations, compute))


class IterNorm(nn.Module):
    """IterNorm (Huang et al. 2019, arXiv:1904.03441, algorithm 1) of rows [n, d], for each of `blocks` of features.

    With S = (x - mean)^T (x - mean) / n + eps I, Newton's iteration P <- (3 P - P^3 S / tr S) / 2 from P = I; the rows
    are multiplied by P / sqrt(tr S), which tends to S^(-1/2): small eigenvalues are not whitened in `iterations` of
    them. Scale and bias for each feature. `momentum` is what survives of the running mean and of the running matrix.
    Raises ValueError in training of one row.
    """

    train: bool
    blocks: int
    iterations: int = 5
    momentum: float = 0.9
    eps: float = 1e-5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        d, g, kept = x.shape[-1], self.blocks, parameter_dtype(self.dtype)
        eye = lambda shape, dtype: jnp.broadcast_to(jnp.eye(shape[-1], dtype=dtype)[None], shape)  # noqa: E731
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, (g, 1, d // g), kept)
        running = self.variable("batch_stats", "whitening", eye, (g, d // g, d // g), kept)
        x = at_least_float32(x).reshape(len(x), g, d // g).swapaxes(0, 1)  # [g, n, d / g]
        if self.train:
            if x.shape[1] < 2:
                raise ValueError("iterative norm needs two rows or more")
            mean = x.mean(1, keepdims=True)
            matrix = self._inverse_root(x - mean)
            self._follow(running_mean, mean)
            self._follow(running, matrix)
        else:
            mean, matrix = running_mean.value.astype(x.dtype), running.value.astype(x.dtype)
        y = _product(x - mean, matrix).swapaxes(0, 1).reshape(-1, d)
        scale = self.param("scale", nn.initializers.ones, (d,), kept).astype(y.dtype)
        bias = self.param("bias", nn.initializers.zeros, (d,), kept).astype(y.dtype)
        return y * scale[None] + bias[None]

    def _inverse_root(self, x: Array) -> Array:
        """Of the covariance of centered [g, n, d]: [g, d, d], symmetric."""
        eye = jnp.eye(x.shape[-1], dtype=x.dtype)[None]
        s = _product(x.swapaxes(1, 2), x) / x.shape[1] + self.eps * eye
        trace = jnp.trace(s, axis1=1, axis2=2)[:, None, None]
        p = jnp.broadcast_to(eye, s.shape)
        for _ in range(self.iterations):
            p = 1.5 * p - 0.5 * _product(_product(p, _product(p, p)), s / trace)
        return p * jax.lax.rsqrt(trace)

    def _follow(self, running: nn.Variable, now: Array) -> None:
        now = jax.lax.stop_gradient(now)
        running.value = (self.momentum * running.value + (1 - self.momentum) * now).astype(running.value.dtype)


class Whitened(nn.Module):
    """A head and iterative norm behind it."""

    head: Mlp
    blocks: int
    iterations: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        return IterNorm(train, self.blocks, self.iterations, dtype=self.dtype, name="last")(self.head(x, train=train))


def _product(a: Array, b: Array) -> Array:
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
