import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax import monitors
from ssl_jax.paradigms.monitored import with_monitors
from ssl_jax.types import Aux, Method

FEATURES = jnp.asarray(np.random.default_rng(0).normal(size=(16, 5)) + 1)


def method() -> Method:
    def loss(params, state, batch, key, step):
        h = batch * params
        return jnp.sum(h), Aux(carry=(), features=h, metrics={"a": jnp.ones(())})

    return Method(init=None, loss=loss, update=None, embed=None, encoders={})


def test_adds_the_evaluations_monitor_and_changes_nothing_else(strict):
    params = jnp.asarray(2.0)
    value, aux = with_monitors(method()).loss(params, (), FEATURES, None, None)
    np.testing.assert_allclose(aux.metrics["monitor/std"], monitors.spread(FEATURES), rtol=1e-12)
    assert aux.metrics["a"] == 1 and value == method().loss(params, (), FEATURES, None, None)[0]


def test_no_gradient_flows_through_a_monitor(strict):
    slope = jax.grad(lambda p: with_monitors(method()).loss(p, (), FEATURES, None, None)[1].metrics["monitor/std"])
    assert slope(jnp.asarray(2.0)) == 0
