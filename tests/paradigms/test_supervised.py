"""Classification: its loss by loops, what has no label, and its logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.methods.supervised_classification import supervised_classification
from ssl_jax.nets import heads, resnet

KEY = jax.random.key(0)


def made(classes=3, **options):
    encoder = resnet.resnet(depth=(1,), base=4, stem="cifar", zero_init=False, dtype="float64")
    return supervised_classification(encoder, heads.linear(out=classes, dtype="float64"), **options)


def batch(labels):
    images = np.random.default_rng(0).normal(size=(len(labels), 2, 8, 8, 3))
    return {"global": jnp.asarray(images), "label": jnp.asarray(labels, jnp.int32), "index": jnp.arange(len(labels))}


def test_the_loss_is_the_mean_over_labeled_views_and_its_gradient_too(strict):
    method, rows = made(smoothing=0.1), batch([0, 2, -1, 1])
    params, state = method.init(KEY, rows)
    params["classifier"] = jax.tree.map(lambda a: jax.random.normal(KEY, a.shape, a.dtype), params["classifier"])

    def by_loops(classifier, features):
        total, count = 0.0, 0
        for i, label in enumerate([0, 2, -1, 1]):
            if label < 0:
                continue
            for v in range(2):
                logits = features[i, v] @ classifier["linear1"]["kernel"] + classifier["linear1"]["bias"]
                logs = logits - jax.nn.logsumexp(logits)
                target = 0.9 * np.eye(3)[label] + 0.1 / 3
                total, count = total - jnp.sum(jnp.asarray(target) * logs), count + 1
        return total / count

    encoder = resnet.resnet(depth=(1,), base=4, stem="cifar", zero_init=False, dtype="float64")
    flat = rows["global"].reshape(8, 8, 8, 3)
    y, _ = encoder.apply(params["encoder"], state["stats"]["encoder"], flat, train=True)
    features = y["pool"].reshape(4, 2, -1)
    step = jnp.zeros((), jnp.int32)
    grad = jax.value_and_grad(lambda params: method.loss(params, state, rows, KEY, step)[0])
    (value, grads), (wanted, expected) = grad(params), jax.value_and_grad(by_loops)(params["classifier"], features)
    np.testing.assert_allclose(value, wanted, rtol=1e-7)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9), grads["classifier"], expected)


def test_fresh_logits_are_log_k_and_embed_has_them(strict):
    method, rows = made(classes=5), batch([0, 1, 2, 3])
    params, state = method.init(KEY, rows)
    params["classifier"] = jax.tree.map(jnp.zeros_like, params["classifier"])
    value, aux = method.loss(params, state, rows, KEY, jnp.zeros((), jnp.int32))
    np.testing.assert_allclose(value, np.log(5), rtol=1e-7)
    y = method.embed(params, state, {"image": rows["global"][:, 0]})
    assert y["logits"].shape == (4, 5) and y["pool"].shape[0] == 4 and aux.features.shape == y["pool"].shape


def test_data_without_labels_is_a_sentence(strict):
    rows = {k: v for k, v in batch([0, 1]).items() if k != "label"}
    with pytest.raises(ValueError, match="reads the classes of images, and the data has none"):
        made().init(KEY, rows)
