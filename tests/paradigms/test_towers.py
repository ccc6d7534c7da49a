"""Several towers: who sees what, where parameters lie, what `embed` gives of what it is given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria.paired import paired
from ssl_jax.losses import contrastive
from ssl_jax.nets import heads
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.towers import Tower, towers
from ssl_jax.types import Net


def encoder(width):
    head = heads.mlp(widths=(width,))

    def apply(params, stats, x, **options):
        y, stats = head.apply(params, stats, x, **options)
        return {"pool": y, "double": 2 * y}, stats

    return Net(head.init, apply)


def tower(group, part, width=5):
    return Tower(encoder(width), heads.mlp(widths=(6, 4)), group, group, part)


PARTS = {"image": tower("global", "image"), "sound": tower("sound", "sound", 3)}


def started(parts=PARTS, views=1):
    g, b = np.random.default_rng(0), 8
    sizes = {part.group: 7 + i for i, part in enumerate(parts.values())}
    batch = {group: jnp.asarray(g.normal(size=(b, views, size)), jnp.float32) for group, size in sizes.items()}
    batch |= {"index": jnp.arange(b), "label": jnp.full(b, -1)}
    method = towers(parts, paired())
    return method, *method.init(jax.random.key(0), batch), batch


def test_the_loss_is_the_criterions_on_what_the_towers_make():
    method, params, state, batch = started()
    value, aux = method.loss(params, state, batch, jax.random.key(1), jnp.int32(0))
    z = {}
    for name, part in PARTS.items():
        y, _ = encode.joint(part.encoder, params[name]["encoder"], {}, batch[part.group], train=True)
        stats = state["stats"][name]["projector"]
        z[name], _ = encode.joint(part.projector, params[name]["projector"], stats, y["pool"], train=True)
    assert_allclose(value, contrastive.paired(z["image"][:, 0], z["sound"][:, 0], 1 / 0.07), rtol=1e-5)
    assert set(params) == {"image", "sound", "criterion"}
    assert aux.features.shape == (8, 5)
    assert {"similarity/positive", "similarity/negative", "similarity/gap", "scale"} <= set(aux.metrics)


def test_embed_gives_what_there_is_input_for():
    method, params, state, batch = started()
    image, sound = batch["global"][:, 0], batch["sound"][:, 0]
    both = method.embed(params, state, {"sound": sound, "image": image})
    assert {k: v.shape for k, v in both.items()} == {
        "pool": (8, 5),
        "double": (8, 5),
        "projection/image": (8, 4),
        "projection/sound": (8, 4),
    }
    alone = method.embed(params, state, {"sound": sound})
    assert alone["pool"].shape == (8, 3) and "projection/image" not in alone
    assert_allclose(alone["projection/sound"], both["projection/sound"], rtol=1e-6)
    assert_allclose(method.embed(params, state, {"image": image})["pool"], both["pool"], rtol=1e-6)
    with pytest.raises(ValueError, match="the encoders take image or sound, and are given text"):
        method.embed(params, state, {"text": image})


def test_two_towers_may_share_a_part_and_there_may_be_more():
    parts = {"light": tower("light", "image"), "color": tower("color", "image"), "text": tower("text", "text")}
    method, params, state, batch = started(parts, views=2)
    _, aux = method.loss(params, state, batch, jax.random.key(1), jnp.int32(0))
    assert all(z.shape == (8, 2, 4) for z in aux.carry["seen"].student.values())
    light = parts["light"]._replace(encoder=encoder(5))
    assert light.part == "image" and set(method.encoders) == {"light", "color", "text"}
    for place in method.encoders.values():
        at = {"params": params, "method_state": state}
        for key in place.params:
            at = at[key]
        assert "linear1" in at


def test_no_state_but_the_statistics_follows_the_batch():
    method, params, state, batch = started()
    _, aux = method.loss(params, state, batch, jax.random.key(1), jnp.int32(0))
    new = method.update(state, params, aux.carry, jnp.int32(0))
    assert jax.tree.structure(new) == jax.tree.structure(state)
    moved = jax.tree.map(lambda a, b: bool(np.any(a != b)), state["stats"], new["stats"])
    assert all(jax.tree.leaves(moved)) and jax.tree.leaves(moved)


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="give two or more"):
        towers({"image": PARTS["image"]}, paired())
    method, _, _, batch = started()
    with pytest.raises(ValueError, match="the tower 'sound' wants views of group 'sound', the recipe makes"):
        method.init(jax.random.key(0), {k: v for k, v in batch.items() if k != "sound"})
