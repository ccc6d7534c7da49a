"""Method -> Method: a linear classifier that watches the features while they are learnt, and does not touch them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.types import Array, Method

NAME = "probe"


def with_probe(method: Method, classes: int) -> Method:
    """The method with a linear probe on its stopped features, trained in the same step on batch["label"].

    params gain "probe": kernel [d, classes] and bias [classes], zeros at first, so that its first loss is log(classes).
    The loss gains the probe's cross-entropy, a mean over the examples with a label (>= 0; without any it is 0); the
    gradients of the method's own parameters stay as they are. Metrics gain "probe/loss" and "probe/top1" (0..1), and
    "loss" is the method's own. Every function of the method sees its parameters without the probe; passes see the
    whole TrainState. Features come from augmented views: expect 0-5 points less than a probe afterwards.

    The online probe of solo-learn and lightly, as a wrapper. Raises ValueError where there is no place for it.
    """

    def init(key, batch):
        params, state = method.init(key, batch)
        _check(params, batch, classes)
        aux = jax.eval_shape(method.loss, params, state, batch, key, jnp.zeros((), jnp.int32))[1]
        d = aux.features.shape[-1]
        return {**params, NAME: {"kernel": jnp.zeros((d, classes)), "bias": jnp.zeros((classes,))}}, state

    def loss(params, state, batch, key, step):
        value, aux = method.loss(_without(params), state, batch, key, step)
        watched, top1 = _cross_entropy(params[NAME], jax.lax.stop_gradient(aux.features), batch["label"])
        metrics = {"loss": value, **aux.metrics, "probe/loss": watched, "probe/top1": top1}
        return value + watched.astype(value.dtype), aux._replace(metrics=metrics)

    return method._replace(
        init=init,
        loss=loss,
        update=_unaware(method.update, 1),
        embed=_unaware(method.embed, 0),
        phases=tuple(
            phase._replace(loss=_unaware(phase.loss, 0), update=_unaware(phase.update, 1)) for phase in method.phases
        ),
        draw=method.draw and _unaware(method.draw, 0),
    )


def _unaware(function: Callable, place: int) -> Callable:
    """A function whose argument at this place are the parameters, to be called with those of the probe as well."""
    return lambda *given: function(*given[:place], _without(given[place]), *given[place + 1 :])


def _without(params: dict) -> dict:
    return {name: value for name, value in params.items() if name != NAME}


def _check(params: dict, batch: dict, classes: int) -> None:
    if not isinstance(params, dict) or NAME in params:
        raise ValueError(
            f"a probe needs the method's parameters to be a dict without {NAME!r}: the method has one already"
        )
    if "label" not in batch:
        raise ValueError(
            "the online probe needs labels and this batch has none: switch the probe off or use labeled data"
        )
    if classes < 2:
        raise ValueError(f"the online probe needs at least 2 classes, this dataset has {classes}: switch the probe off")


def _cross_entropy(probe: dict, features: Array, label: Array) -> tuple[Array, Array]:
    """probe {kernel [d, c], bias [c]}, features [b, d], label int [b] -> mean loss and top-1 over the labels >= 0."""
    dtype = np.promote_types(features.dtype, np.float32)
    kernel, bias = probe["kernel"].astype(dtype), probe["bias"].astype(dtype)
    log_p = jax.nn.log_softmax(features.astype(dtype) @ kernel + bias[None], -1)
    real = (label >= 0).astype(dtype)
    count = jnp.maximum(jnp.sum(real), 1)
    picked = jnp.take_along_axis(log_p, jnp.maximum(label, 0)[:, None], -1)[:, 0]
    hits = (jnp.argmax(log_p, -1).astype(label.dtype) == label).astype(dtype)
    return -jnp.sum(real * picked) / count, jnp.sum(real * hits) / count
