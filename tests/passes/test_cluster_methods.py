"""DeepCluster and SeLa as methods, on all images of the laws: what their passes make of features, by other means."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from ssl_jax.losses import clustering
from ssl_jax.shard import mesh, program
from tests.laws import tiny
from tests.passes import test_transport

KEY = jax.random.key(1)
OWN = jax.random.fold_in(jax.random.fold_in(KEY, 0), 0)
"""The key of the only turn of the only pass, in `tiny.passed`."""
SEEN = np.arange(tiny.EXAMPLES) != 5
"""The examples of `tiny.examples` that can be read."""


def passed(name: str):
    """The state before and after the pass, in float64, where two steps have moved all of it."""
    augment, clean = (lambda key, batch, f=f: f(key, batch, dtype=jnp.float64) for f in (tiny.augment, tiny.clean))
    method = tiny.method(name, "float64")
    shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tiny.batch(name, 0)))
    place = mesh.make(1, 1, devices=jax.devices()[:1])
    compiled = program.build(method, tiny.optimizer(), augment, clean, shapes, place)
    state = tiny.passed(name, method, compiled, compiled.init(KEY), KEY)
    for i in range(2):
        state, _ = compiled.step(state, jax.tree.map(jnp.asarray, tiny.batch(name, i)), KEY)
    before = jax.device_get(state)
    return before, jax.device_get(tiny.passed(name, method, compiled, state, KEY))


def projected(name: str, state, views: str) -> np.ndarray:
    """The projections of all images in evaluation mode, zeros for the one that cannot be read."""
    nets, stats, found = tiny.nets(name, "float64"), state.method_state["stats"], np.zeros((tiny.EXAMPLES, 8))
    for i, batch in enumerate(tiny.examples(name, views)):
        if views == "clean":
            x = tiny.clean(None, batch, dtype=jnp.float64)["clean"][:, 0]
        else:
            drawn, _ = jax.random.split(jax.random.fold_in(OWN, i))
            x = tiny.augment(drawn, batch, dtype=jnp.float64)["global"][:, 0]
        y, _ = nets["encoder"].apply(state.params["encoder"], stats["encoder"], x, train=False)
        z, _ = nets["projector"].apply(state.params["projector"], stats["projector"], y["pool"], train=False)
        real = batch["mask"] & batch["valid"]
        found[batch["index"][real]] = np.asarray(z)[real]
    return found


def test_deepcluster_clusters_clean_images_and_begins_its_layer_anew():
    with jax.enable_x64(True):
        before, after = passed("deepcluster_v1")
        rows = projected("deepcluster_v1", before, "clean")
        white = np.zeros((tiny.EXAMPLES, 5))
        white[SEEN] = PCA(5, svd_solver="full", whiten=True).fit_transform(rows[SEEN])
        white /= np.maximum(np.linalg.norm(white, axis=1, keepdims=True), 1e-12)
        first, _ = jax.random.split(OWN)
        start = clustering.drawn(first, jnp.arange(tiny.EXAMPLES)[:, None], jnp.asarray(SEEN), clusters=4)[:, 0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged, and shall not
            oracle = KMeans(4, init=white[np.asarray(start)], n_init=1, max_iter=3, tol=0).fit(white[SEEN])
    held = after.method_state["criterion"]
    np.testing.assert_array_equal(held.labels[SEEN], oracle.labels_)
    assert held.labels[~SEEN] == -1
    size = np.bincount(oracle.labels_, minlength=4)
    np.testing.assert_allclose(held.weights[size > 0], SEEN.sum() / ((size > 0).sum() * size[size > 0]), rtol=1e-12)
    layer = after.params["criterion"]
    assert not np.array_equal(layer["kernel"], before.params["criterion"]["kernel"]) and not np.any(layer["bias"])
    assert np.abs(layer["kernel"]).max() < 0.05 and np.any(before.params["criterion"]["bias"])
    momentum = [(jax.tree_util.keystr(path), a) for path, a in jax.tree_util.tree_leaves_with_path(after.opt_state)]
    assert {bool(np.any(a)) for path, a in momentum if "criterion" in path} == {False}
    assert all(np.any(a) for path, a in momentum if "encoder" in path and "kernel" in path)
    jax.tree.map(np.testing.assert_array_equal, after.params["encoder"], before.params["encoder"])


def test_sela_labels_training_views_by_optimal_transport():
    with jax.enable_x64(True):
        before, after = passed("sela")
        rows, labels = projected("sela", before, "train"), after.method_state["criterion"].labels
    heads = before.params["criterion"]
    for h in range(2):
        p = test_transport.softmax(rows[SEEN] @ heads["kernel"][h] + heads["bias"][h]) ** 10.0
        plan, _ = test_transport.by_loops(p, 0.1)
        np.testing.assert_array_equal(labels[SEEN, h], plan.argmax(1))
        assert len(np.unique(labels[SEEN, h])) == 4
    assert (labels[~SEEN] == -1).all() and not np.array_equal(labels[:, 0], labels[:, 1])
    jax.tree.map(np.testing.assert_array_equal, after.params, before.params)


@pytest.mark.parametrize("name", ["deepcluster_v1", "sela", "sela_v2", "local_aggregation", "pcl_v1"])
def test_more_clusters_than_examples_are_refused(name):
    make, nets = tiny.METHODS[name], tiny.nets(name, "float32")
    option = {"sela_v2": "prototypes"}.get(name, "clusters")
    options = {
        option: (49,) if name == "pcl_v1" else 49,
        **({"ema_decay": lambda step: 0.9} if name == "pcl_v1" else {}),
    }
    with pytest.raises(ValueError, match=f"{option} is 49 and the dataset has 48 examples; take 48 or fewer"):
        make(nets["encoder"], nets["projector"], examples=tiny.EXAMPLES, **options)
