"""Convolutions and their gradients as matrix products, for the CPU: see `conv.py`, which chooses among them.

All take [n, h, w, c], kernels [k, k, c, o] and k // 2 zeros on every side.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp

from ssl_jax.types import Array

GROUP = 4 * 2**20
"""Bytes of shifted copies that are made at a time: what stays in a CPU's cache."""
IMAGES = 8
"""The fewest images that are taken at a time, so that several devices share them."""


def kept(x: Array, like: Array) -> Array:
    """x, computed once. XLA repeats cheap elementwise work in every operation that reads its result, here up to 64
    times; what ends in a division it holds for dear. The divisor is 1, unknown to the compiler (`like` is anything)."""
    return x / jnp.exp(0 * like.ravel()[0]).astype(x.dtype)


def flat(x: Array) -> Array:
    """[n, h, w, c] -> [n h w, c]."""
    return x.reshape(-1, x.shape[-1])


def pointwise(x: Array, kernel: Array, stride: int) -> Array:
    """1x1."""
    x = x[:, ::stride, ::stride]
    return (flat(x) @ kernel[0, 0]).reshape(*x.shape[:3], -1)


def pointwise_by_input(shape: Sequence[int], kernel: Array, dy: Array, stride: int) -> Array:
    """The gradient of `pointwise` by its input, of this shape."""
    dx = (flat(dy) @ kernel[0, 0].T).reshape(*dy.shape[:3], -1)
    between = [(0, side - stride * (d - 1) - 1, stride - 1) for side, d in zip(shape[1:3], dy.shape[1:3], strict=True)]
    return jax.lax.pad(dx, jnp.zeros((), dx.dtype), ((0, 0, 0), *between, (0, 0, 0)))


def pointwise_by_kernel(x: Array, dy: Array, stride: int) -> Array:
    """The gradient of `pointwise` by its kernel."""
    return (flat(x[:, ::stride, ::stride]).T @ flat(dy))[None, None]


Grid = Sequence[Sequence[Array]]


def both(transform: Callable, grid: Grid) -> Grid:
    """A transform of sequences of arrays, along the second axis of a grid of arrays and along the first."""
    return list(zip(*(transform(column) for column in zip(*map(transform, grid), strict=True)), strict=True))


def _input(x: Sequence[Array]) -> tuple[Array, ...]:
    return x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]


def _kernel(k: Sequence[Array]) -> tuple[Array, ...]:
    even, odd = (k[0] + k[2]) / 2, k[1] / 2
    return k[0], even + odd, even - odd, k[2]


def _output(m: Sequence[Array]) -> tuple[Array, ...]:
    return m[0] + m[1] + m[2], m[1] - m[2] - m[3]


def _output_gradient(dy: Sequence[Array]) -> tuple[Array, ...]:
    return dy[0], dy[0] + dy[1], dy[0] - dy[1], -dy[1]


def _kernel_gradient(d: Sequence[Array]) -> tuple[Array, ...]:
    even, odd = (d[1] + d[2]) / 2, (d[1] - d[2]) / 2
    return d[0] + even, odd, d[3] + even


def winograd(x: Array, kernel: Array) -> Array:
    """3x3, stride 1, by Winograd's F(2x2, 3x3): 16 products for 36 (arXiv:1509.09308, section 4.1)."""
    n, h, w, _ = x.shape
    products = [
        [t @ k for t, k in zip(*rows, strict=True)] for rows in zip(_tiles(x), both(_kernel, kernel), strict=True)
    ]
    return _joined(both(_output, products), (n, -(-h // 2), -(-w // 2)))[:, :h, :w]


def winograd_by_kernel(x: Array, dy: Array) -> Array:
    """The gradient of `winograd` by its kernel: the transpose of each of its transforms."""
    _, h, w, _ = dy.shape
    dy = jnp.pad(dy, ((0, 0), (0, h % 2), (0, w % 2), (0, 0)))
    grid = both(_output_gradient, [[flat(dy[:, a::2, b::2]) for b in range(2)] for a in range(2)])
    products = [[t.T @ d for t, d in zip(*rows, strict=True)] for rows in zip(_tiles(x), grid, strict=True)]
    return jnp.stack([jnp.stack(row) for row in both(_kernel_gradient, products)])


def _tiles(x: Array) -> Grid:
    """The transforms of all tiles of 4 x 4 that begin at every second pixel: a grid of 4 x 4 arrays [tiles, c]."""
    _, h, w, _ = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1 + h % 2), (1, 1 + w % 2), (0, 0)))
    return both(_input, [[flat(x[:, a : a + h : 2, b : b + w : 2]) for b in range(4)] for a in range(4)])


def _joined(grid: Grid, shape: tuple[int, int, int]) -> Array:
    """A 2 x 2 grid of the pixels at (even or odd row, even or odd column), each [n h w, o], -> [n, 2 h, 2 w, o]."""
    n, h, w = shape
    rows = [jnp.stack([pixels.reshape(*shape, -1) for pixels in row], 3) for row in grid]
    return jnp.stack(rows, 2).reshape(n, 2 * h, 2 * w, -1)


def halving_by_input(shape: Sequence[int], kernel: Array, dy: Array) -> Array:
    """The gradient of a 3x3 convolution of stride 2 by its input, of this shape.

    Pixels of even rows meet the middle row of the kernel alone, those of odd rows the last one and, from the next row
    of dy, the first; columns likewise. No zero that a dilated dy would have is multiplied.
    """
    n, h, w, _ = dy.shape
    after = jnp.pad(dy, ((0, 0), (0, 1), (0, 1), (0, 0)))
    moved = [[flat(after[:, i : i + h, j : j + w]) for j in range(2)] for i in range(2)]
    taps = {0: ((1, 0),), 1: ((2, 0), (0, 1))}
    grid = [
        [sum(moved[i][j] @ kernel[r, c].T for r, i in taps[a] for c, j in taps[b]) for b in range(2)] for a in range(2)
    ]
    return _joined(grid, (n, h, w))[:, : shape[1], : shape[2]]


def by_kernel(x: Array, dy: Array, size: int, stride: int) -> Array:
    """The gradient by the kernel, for any size and stride, as a sum over groups of images."""
    n, c, o = len(x), x.shape[-1], dy.shape[-1]
    copies = size**2 * c * (dy.size // o) * x.dtype.itemsize
    fitting = (k for k in range(1, n // IMAGES + 1) if n % k == 0 and k * GROUP <= copies)
    count = max(fitting, default=1)
    crossed = size == 3 and stride == 1 and c >= 16
    gradient = _crossed if crossed else partial(_patches_by_kernel, size=size, stride=stride)
    # The groups are axis 1, so that each has images of every device where the batch is split.
    x, dy = (v.reshape(n // count, count, *v.shape[1:]) for v in (x, dy))

    def add(total: Array, group: Array) -> tuple[Array, None]:
        a, b = (jax.lax.dynamic_index_in_dim(v, group, 1, keepdims=False) for v in (x, dy))
        return total + gradient(a, b), None

    return jax.lax.scan(add, jnp.zeros((size, size, c, o), x.dtype), jnp.arange(count))[0]


def _crossed(x: Array, dy: Array) -> Array:
    """3x3, stride 1: three shifts of x by columns times three of dy by rows are the nine taps, for six copies."""
    w, h, c = x.shape[2], x.shape[1], x.shape[3]
    x, dy = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0))), jnp.pad(dy, ((0, 0), (1, 1), (0, 0), (0, 0)))
    left = flat(jnp.concatenate([x[:, :, j : j + w] for j in range(3)], 3))
    right = flat(jnp.concatenate([dy[:, 2 - i : 2 - i + h] for i in range(3)], 3))
    return (left.T @ right).reshape(3, c, 3, -1).transpose(2, 0, 1, 3)


def patches(x: Array, kernel: Array, stride: int) -> Array:
    """Any size and stride, as one product of a copy of x for each tap."""
    size = len(kernel)
    sides = [(side + 2 * (size // 2) - size) // stride + 1 for side in x.shape[1:3]]
    return (flat(_copies(x, sides, size, stride)) @ flat(kernel)).reshape(len(x), *sides, -1)


def patches_by_input(x: Array, kernel: Array, dy: Array, stride: int) -> Array:
    """The gradient of `patches` by its input x."""
    taps = (flat(dy) @ flat(kernel).T).reshape(*dy.shape[:3], -1)
    return jax.linear_transpose(lambda x: _copies(x, dy.shape[1:3], len(kernel), stride), x)(taps)[0]


def _patches_by_kernel(x: Array, dy: Array, size: int, stride: int) -> Array:
    """The gradient of `patches` by its kernel."""
    taps = flat(_copies(x, dy.shape[1:3], size, stride))
    return (taps.T @ flat(dy)).reshape(size, size, -1, dy.shape[-1])


def _copies(x: Array, sides: Sequence[int], size: int, stride: int) -> Array:
    """[n, h, w, c] -> [n, *sides, size size c]: what the taps of a kernel meet."""
    pad, (down, right) = size // 2, (stride * (side - 1) + 1 for side in sides)
    x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    taps = [x[:, i : i + down : stride, j : j + right : stride] for i in range(size) for j in range(size)]
    return jnp.concatenate(taps, 3)
