"""What is a vector, and transformations of one parameter at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax.nets import vit
from ssl_jax.optim import leaves


def tree(key=0):
    draw = lambda i, *shape: jnp.asarray(np.random.default_rng((key, i)).normal(size=shape), jnp.float32)  # noqa: E731
    return {
        "encoder": {
            "layers": {"attention": {"kernel": draw(0, 3, 4, 4), "bias": draw(1, 3, 4)}},
            "cls": draw(2, 1, 1, 4),
        },
        "my_layers": {"bias": draw(3, 4), "kernel": draw(4, 4, 5)},
        "logit": draw(5),
    }


def test_the_layer_axis_does_not_count():
    vectors = leaves.map_paths(leaves.is_vector, tree())
    assert vectors["encoder"] == {"layers": {"attention": {"kernel": False, "bias": True}}, "cls": False}
    assert vectors["my_layers"] == {"bias": True, "kernel": False}
    assert vectors["logit"] is True


def test_each_layer_of_a_stack_is_a_parameter_by_itself():
    updates, params = tree(1), tree(2)
    got, _ = leaves.each_alone(optax.clip_by_global_norm(1.0)).update(updates, optax.EmptyState(), params)
    for i in range(3):
        stack = lambda t, i=i: t["encoder"]["layers"]["attention"]["kernel"][i]  # noqa: E731
        norm = np.linalg.norm(stack(updates))
        np.testing.assert_allclose(stack(got), stack(updates) / max(norm, 1.0), rtol=1e-6)
    bias = updates["my_layers"]["bias"]
    np.testing.assert_allclose(got["my_layers"]["bias"], bias / max(np.linalg.norm(bias), 1.0), rtol=1e-6)


def test_masks_do_not_see_what_another_mask_hides():
    outer = optax.masked(
        optax.masked(optax.scale(2.0), leaves.mask(leaves.is_vector)),
        lambda t: leaves.map_paths(lambda path, leaf: not path.startswith("my"), t),
    )
    params = tree()
    got, _ = outer.update(params, outer.init(params), params)
    want = jax.tree.map(jnp.copy, params)
    want["encoder"]["layers"]["attention"]["kernel"] *= 2
    want["encoder"]["cls"] *= 2
    jax.tree.map(np.testing.assert_array_equal, got, want)


def test_the_vectors_of_a_scanned_transformer_are_those_of_its_layers():
    net = vit.vit(variant=(8, 3, 2, 4), layer_scale=1e-5, positions="learned", image_size=8)
    params, _ = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    kinds = {}
    leaves.map_paths(
        lambda path, p: kinds.setdefault(path.split("/")[-1], set()).add(leaves.is_vector(path, p)), params
    )
    matrices = {"kernel", "cls_token", "pos_embed"}
    assert kinds == {name: {name not in matrices} for name in (*matrices, "bias", "scale", "gamma")}
