"""DirectCLR's and FastSiam's criteria by loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import pairs
from ssl_jax.methods.directclr import directclr
from ssl_jax.nets import heads
from ssl_jax.paradigms import encode


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def across_by_loops(z, temperature):
    total, (b, _, _) = 0, z.shape
    for one, other in ((0, 1), (1, 0)):
        for i in range(b):
            logits = unit(z[:, other]) @ unit(z[i, one]) / temperature
            total -= np.log(np.exp(logits[i]) / np.exp(logits).sum())
    return total / (2 * b)


def fast_siam_by_loops(student, teacher):
    total, (b, v, _), w = 0, student.shape, teacher.shape[1]
    for i in range(b):
        for s in range(v):
            others = [teacher[i, t] for t in range(w) if t != s]
            target = sum(others) / len(others)
            total -= unit(student[i, s]) @ unit(target)
    return total / (b * v)


def both(criterion, seen):
    return jax.jit(jax.value_and_grad(lambda x: criterion.loss({}, {}, seen._replace(student=x))[0]))(seen.student)


def test_across_by_loops_in_value_and_gradient(strict, see, gradient):
    seen = see(5, 2, 2, 3)
    value, slope = both(pairs.across(temperature=0.3), seen)
    assert_allclose(value, across_by_loops(seen.student, 0.3), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: across_by_loops(x, 0.3), seen.student), atol=1e-10)


@pytest.mark.parametrize("v, w", [(2, 2), (4, 4), (5, 3)])
def test_fast_siam_by_loops_in_value_and_gradient(strict, see, gradient, v, w):
    seen = see(3, v, w, 4)
    value, slope = both(pairs.fast_siam(), seen)
    assert_allclose(value, fast_siam_by_loops(seen.student, seen.teacher), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: fast_siam_by_loops(x, seen.teacher), seen.student), atol=1e-10)


def test_fast_siam_of_two_views_is_simsiam(strict, see):
    seen = see(6, 2, 2, 4)
    assert_allclose(both(pairs.fast_siam(), seen)[0], both(pairs.simsiam(), seen)[0], rtol=1e-12)
    with pytest.raises(ValueError, match="at least 2 views of an image, got 1"):
        pairs.fast_siam().init(jax.random.key(0), see(6, 3, 1, 4))


def test_known_values(strict, see):
    seen = see(4096, 4, 4, 64)
    assert_allclose(both(pairs.fast_siam(), seen)[0], 0, atol=0.01)
    seen = see(256, 2, 2, 128)
    assert_allclose(both(pairs.across(temperature=0.5), seen)[0], np.log(256) + 1 / (2 * 128 * 0.5**2), rtol=0.01)
    same = np.ones((256, 2, 128))
    assert_allclose(both(pairs.across(temperature=0.5), seen._replace(student=same))[0], np.log(256), rtol=1e-12)
    assert_allclose(both(pairs.fast_siam(), seen._replace(student=same, teacher=same))[0], -1, rtol=1e-12)


def test_the_features_that_directclr_does_not_read_have_no_gradient(strict):
    head = heads.linear(out=6, bias=False, dtype="float64")

    def apply(params, stats, x, *, train, key=None):
        y, stats = head.apply(params, stats, x.reshape(len(x), -1), train=train)
        return {"pool": y}, stats

    encoder = head._replace(init=lambda key, x: head.init(key, x.reshape(len(x), -1)), apply=apply)
    method = directclr(encoder, dims=4)
    batch = {"global": np.random.default_rng(0).normal(size=(5, 2, 2, 2, 3)), "index": np.arange(5)}
    params, state = method.init(jax.random.key(0), jax.tree.map(jnp.asarray, batch))
    step = jnp.zeros((), jnp.int32)
    slope = jax.grad(lambda p: method.loss(p, state, batch, jax.random.key(1), step)[0])(params)
    kernel = np.asarray(slope["encoder"]["linear1"]["kernel"])
    assert np.abs(kernel[:, :4]).min() > 0 and not kernel[:, 4:].any()


def test_too_few_features_are_refused():
    with pytest.raises(ValueError, match="the encoder has 8 features, fewer than the 9"):
        encode.first(9).init(jax.random.key(0), jnp.zeros((2, 8)))
