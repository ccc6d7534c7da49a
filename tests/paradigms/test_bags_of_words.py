"""oBoW against loops: which words are predicted by whom, with what vocabulary, and what a step leaves behind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.methods.obow import obow
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Net

B, N, D, SHARP, SCALE, DECAY = 4, 8, 4, 3.0, 2.0, 0.9
LEVELS = {"stage1": 3, "stage2": D}
KEY, STEP = jax.random.key(3), jnp.int32(0)


def layers() -> Net:
    """Two layers of each pixel, and the mean of the last."""

    def apply(params, stats, x, *, train, key=None):
        one = jnp.tanh(jnp.matmul(x, params["one"]))
        two = jnp.tanh(jnp.matmul(one, params["two"]))
        return {"pool": two.mean((1, 2)), "maps": {"stage1": one, "stage2": two}}, stats

    def init(key, x):
        one, two = jax.random.split(key)
        return {"one": jax.random.normal(one, (3, 3), x.dtype), "two": jax.random.normal(two, (3, D), x.dtype)}, {}

    return Net(init, apply)


def method(levels=tuple(LEVELS), **options):
    generator = heads.mlp(widths=(6, D), bias=False, dtype="float64")
    options = {"words": N, "sharpness": SHARP, "scale": SCALE, "ema_decay": lambda step: jnp.float32(DECAY)} | options
    return obow(layers(), generator, levels=levels, **options)


def batch(seed=0, **views):
    g = np.random.default_rng(seed)
    views = {"global": (1, 6), "local": (2, 4), "patches": (3, 2)} | views
    made = {name: jnp.asarray(g.normal(size=(B, v, s, s, 3))) for name, (v, s) in views.items() if v}
    return {**made, "index": jnp.arange(B, dtype=jnp.int32), "label": jnp.full(B, -1, jnp.int32)}


def begun(made, **views):
    """(params, state) after the update of another batch, with a teacher that is no student."""
    first = batch(1, **views)
    params, state = jax.jit(made.init)(jax.random.key(0), first)
    _, aux = made.loss(params, state, first, jax.random.key(5), STEP)
    state = made.update(state, params, aux.carry, STEP)
    state["teacher"] = jax.tree.map(lambda a: a * 1.3 + 0.1, state["teacher"])
    return params, state


def unit(rows):
    return rows / np.sqrt((rows * rows).sum(-1, keepdims=True))


def maps_of(params, image):
    one = np.tanh(image @ params["encoder"]["one"])
    return {"stage1": one, "stage2": np.tanh(one @ params["encoder"]["two"])}


def generated(params, rows):
    """Linear, batch norm over the words, ReLU, linear; unit rows in and out."""
    h = unit(rows) @ params["linear1"]["kernel"]
    mean = h.sum(0) / N
    var = ((h - mean) ** 2).sum(0) / N
    h = (h - mean) / np.sqrt(var + 1e-5) * params["norm1"]["scale"] + params["norm1"]["bias"]
    return unit(np.where(h.real > 0, h, 0) @ params["linear2"]["kernel"] + params["linear2"]["bias"])


def bags_by_loops(state, data, level):
    rows, maps = state["vocabulary"][level].words.rows, [maps_of(state["teacher"], x[0])[level] for x in data["global"]]
    far = [[[((p - row) ** 2).sum() for row in rows] for p in m[1:-1, 1:-1].reshape(-1, m.shape[-1])] for m in maps]
    distance = 0.99 * state["vocabulary"][level].distance + 0.01 * np.mean([min(p) for image in far for p in image])
    bags = []
    for image in far:
        codes = [np.exp(-SHARP / distance * np.array(p)) for p in image]
        bag = np.max([code / code.sum() for code in codes], 0)
        bags.append(bag / bag.sum())
    return np.array(bags), distance


def by_loops(params, state, data, bags_of):
    total = 0
    for level, bags in bags_of.items():
        weights = generated(params["weight_generator"][level], state["vocabulary"][level].words.rows)
        for kind in ("local", "patches"):
            crops = data[kind]
            for i, j in np.ndindex(crops.shape[:2]):
                scores = np.exp(SCALE * weights @ maps_of(params, crops[i, j])["stage2"].reshape(-1, D).mean(0))
                q = scores / scores.sum()
                total += (bags[i] * (np.log(bags[i]) - np.log(q))).sum() / (B * crops.shape[1])
    return total / len(LEVELS)


def test_value_and_gradient_are_those_of_loops(strict, gradient):
    made, data = method(), batch()
    params, state = begun(made)
    value, slopes = jax.jit(jax.value_and_grad(lambda p: made.loss(p, state, data, KEY, STEP)[0]))(params)
    plain, held, seen = (jax.tree.map(np.asarray, tree) for tree in (params, state, data))
    args = (held, seen, {level: bags_by_loops(held, seen, level)[0] for level in LEVELS})
    assert_allclose(value, by_loops(plain, *args), rtol=1e-10)
    leaves, form = jax.tree.flatten(plain)
    for i, (leaf, slope) in enumerate(zip(leaves, jax.tree.leaves(slopes), strict=True)):
        expected = gradient(lambda x, i=i: by_loops(form.unflatten([*leaves[:i], x, *leaves[i + 1 :]]), *args), leaf)
        assert_allclose(slope, expected, atol=1e-10)
        assert np.abs(expected).max() > 1e-6


def test_a_step_leaves_the_words_of_its_batch_and_a_teacher_that_follows(strict):
    made, data = method(), batch()
    params, state = begun(made)
    _, aux = made.loss(params, state, data, KEY, STEP)
    after = made.update(state, params, aux.carry, STEP)
    held, seen = jax.tree.map(np.asarray, (state, data))
    for level in LEVELS:
        rows, old = after["vocabulary"][level].words.rows, state["vocabulary"][level].words.rows
        assert_array_equal(rows[:B], old[:B])  # those of the batch before; the next are the oldest
        for i in range(B):
            m = maps_of(held["teacher"], seen["global"][i, 0])[level]
            squares = [m[y : y + 3, x : x + 3].mean((0, 1)) for y in (1, 2) for x in (1, 2)]
            assert any(np.allclose(rows[B + i], square, rtol=1e-10) for square in squares)
        assert_allclose(after["vocabulary"][level].distance, bags_by_loops(held, seen, level)[1], rtol=1e-10)
    kept = float(np.float32(DECAY))
    average = jax.tree.map(
        lambda old, now: kept * old + (1 - kept) * now, state["teacher"]["encoder"], params["encoder"]
    )
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-12), after["teacher"], {"encoder": average})


def test_the_words_of_a_batch_are_drawn_by_the_key(strict):
    made, data = method(), batch()
    params, state = begun(made)
    draws = [made.loss(params, state, data, jax.random.key(n), STEP)[1].carry["words"]["stage2"][0] for n in range(4)]
    assert len({bytes(np.asarray(rows)) for rows in draws}) > 1
    again = made.loss(params, state, data, jax.random.key(0), STEP)[1].carry["words"]["stage2"][0]
    assert_array_equal(draws[0], again)


def test_the_order_of_the_words_is_nothing(strict):
    made, data, order = method(("stage2",)), batch(), np.random.default_rng(0).permutation(N)
    params, state = begun(made)
    held = state["vocabulary"]["stage2"]
    other = held._replace(words=held.words._replace(rows=held.words.rows[order]))
    values = [made.loss(params, {**state, "vocabulary": {"stage2": one}}, data, KEY, STEP)[0] for one in (held, other)]
    assert_allclose(*values, rtol=1e-12)


def test_kinds_of_crops_are_added_up_and_either_can_be_missing(strict):
    made, data = method(), batch()
    params, state = begun(made)
    parts = [{n: a for n, a in data.items() if n != missing} for missing in ("patches", "local", "")]
    local, patches, both = (made.loss(params, state, part, KEY, STEP)[0] for part in parts)
    assert_allclose(both, local + patches, rtol=1e-12)


def test_at_collapse_the_batch_has_no_more_words_than_an_image(strict):
    """Teachers that say the same of all images are seen by their perplexities, which differ where they do not."""
    made, data = method(), batch()
    params, state = begun(made)
    for teacher, same in ((state["teacher"], False), (jax.tree.map(jnp.zeros_like, state["teacher"]), True)):
        metrics = made.loss(params, {**state, "teacher": teacher}, data, KEY, STEP)[1].metrics
        image, whole = (float(metrics[f"stage2/perplexity/{of}"]) for of in ("image", "batch"))
        assert 1 <= image <= whole * (1 + 1e-9) <= N + 1e-6
        assert (abs(whole - image) < 1e-9) == same


def test_kinds_of_crops_have_batch_statistics_of_their_own():
    encoder = resnet.resnet(depth=(1,), base=2, stem="cifar", zero_init=False)
    generator, decay = heads.mlp(widths=(4, 2), bias=False), lambda step: jnp.float32(DECAY)
    made = obow(encoder, generator, levels=("stage1",), words=N, ema_decay=decay)
    data = jax.tree.map(lambda a: a.astype(jnp.float32) if a.dtype != jnp.int32 else a, batch())
    params, state = jax.jit(made.init)(jax.random.key(0), data)
    loss = jax.jit(lambda data: made.loss(params, state, data, KEY, STEP)[1].features)
    assert_array_equal(loss(data), loss({**data, "patches": 3 * data["patches"] + 1}))


@pytest.mark.parametrize(
    ("options", "views", "sentence"),
    [
        ({}, {"global": (2, 6)}, "the teacher sees 1 view of group 'global', the recipe makes 2; set the count to 1"),
        ({}, {"local": (0, 0), "patches": (0, 0)}, "the student sees views of group local or patches, the recipe"),
        ({}, {"global": (1, 4)}, "a map of 4 x 4 places has no words: of 5 x 5 or more they are taken"),
        ({"levels": ("stage1", "stage7")}, {}, "reads the map 'stage7' of the encoder, which has stage1, stage2"),
        ({"words": 10}, {}, "10 rows are no multiple of the 4 rows"),
        ({"sharpness": 0.0}, {}, "sharpness is 0.0; it must be above 0"),
        ({"levels": ()}, {}, "levels is 0; it must be above 0"),
    ],
)
def test_what_cannot_be_is_one_sentence(strict, options, views, sentence):
    with pytest.raises(ValueError, match=sentence):
        method(**options).init(jax.random.key(0), batch(**views))


def test_a_generator_of_another_width_is_one_sentence(strict):
    made = obow(layers(), heads.linear(out=5, dtype="float64"), levels=("stage2",), words=N, ema_decay=lambda s: 0.9)
    with pytest.raises(ValueError, match=f"makes weights of 5 numbers, and the encoder's features have {D}"):
        made.init(jax.random.key(0), batch())
