"""Embeddings in two dimensions, for the eye: PCA and t-SNE, both deterministic."""

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.types import Array


def pca(x: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """[n, d] -> coordinates [n, count] along the directions of most variance, and the shares of variance [count].

    The largest loading of each direction is positive, so that runs can be compared. count <= min(n, d).
    """
    x = x - x.mean(0, keepdims=True)
    _, singular, directions = np.linalg.svd(x, full_matrices=False)
    directions = directions[:count]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], 1)
    total = max(float(np.sum(singular**2)), 1e-30)
    return x @ (directions * np.where(largest < 0, -1, 1)).T, singular[:count] ** 2 / total


def tsne(x: np.ndarray, *, perplexity: float = 30.0, steps: int = 500) -> np.ndarray:
    """[n, d] -> [n, 2], van der Maaten and Hinton 2008 (JMLR 9:2579-2605), exact, begun at the PCA.

    At most 50 principal components are used. Momentum, gains, learning rate n / 12 / 4 and an exaggeration of 12 for
    half of the steps are those of scikit-learn. Distances between clusters mean nothing. Memory and time grow with n^2:
    1500 points take about 10 seconds on two cores. Raises ValueError for fewer than 3 * perplexity + 1 points.
    """
    if len(x) < 3 * perplexity + 1:
        least = 3 * perplexity + 1
        raise ValueError(f"t-SNE with perplexity {perplexity:g} needs {least:g} points or more, not {len(x)}")
    points = jnp.asarray(pca(x, min(50, *x.shape))[0], jnp.float32)
    points /= jnp.maximum(jnp.std(points[:, 0]), 1e-12)
    start = 1e-4 * points[:, :2]
    return np.asarray(_descend(joint(points, perplexity), start, steps=steps))


@jax.jit
def joint(x: Array, perplexity: float) -> Array:
    """[n, d] -> p [n, n], symmetric, sums to one: neighbors by Gaussians of one perplexity (eq. 1 and 12 there)."""
    square = _square_distances(x)
    off = ~jnp.eye(len(x), dtype=bool)

    def conditional(beta):
        log_p = jax.nn.log_softmax(jnp.where(off, -beta * square, -jnp.inf), 1)
        return log_p, -jnp.sum(jnp.where(off, jnp.exp(log_p) * log_p, 0), 1, keepdims=True)

    def halve(_, bounds):
        low, high = bounds
        middle = (low + high) / 2
        wide = conditional(jnp.exp(middle))[1] > jnp.log(perplexity)  # too many neighbors: sharpen
        return jnp.where(wide, middle, low), jnp.where(wide, high, middle)

    ends = jnp.full((len(x), 1), -20.0), jnp.full((len(x), 1), 20.0)
    low, high = jax.lax.fori_loop(0, 40, halve, ends)
    p = jnp.exp(conditional(jnp.exp((low + high) / 2))[0])
    return jnp.maximum((p + p.T) / (2 * len(x)), 1e-12)


def divergence(p: Array, y: Array) -> Array:
    """KL(p || q) in nats of points y [n, 2] with Student's q; what t-SNE makes small."""
    weight = _student(y)
    q = jnp.maximum(weight / jnp.sum(weight), 1e-12)
    return jnp.sum(jnp.where(jnp.eye(len(y), dtype=bool), 0, p * jnp.log(p / q)))


def _descend(p: Array, y: Array, *, steps: int) -> Array:
    rate = max(len(y) / 48, 50.0)

    def step(i, carry):
        y, speed, gains = carry
        early = i < steps // 2
        weight = _student(y)
        pull = (jnp.where(early, 12.0, 1.0) * p - weight / jnp.sum(weight)) * weight
        gradient = 4 * (jnp.sum(pull, 1, keepdims=True) * y - jnp.dot(pull, y, precision="highest"))
        gains = jnp.maximum(jnp.where(gradient * speed < 0, gains + 0.2, gains * 0.8), 0.01)
        speed = jnp.where(early, 0.5, 0.8) * speed - rate * gains * gradient
        return y + speed, speed, gains

    loop = jax.jit(lambda y: jax.lax.fori_loop(0, steps, step, (y, jnp.zeros_like(y), jnp.ones_like(y)))[0])
    return loop(y)


def _student(y: Array) -> Array:
    return jnp.where(jnp.eye(len(y), dtype=bool), 0, 1 / (1 + _square_distances(y)))


def _square_distances(x: Array) -> Array:
    square = jnp.sum(x * x, 1, keepdims=True)
    return jnp.maximum(square + square.T - 2 * jnp.dot(x, x.T, precision="highest"), 0)
