"""All4One's criterion against loops, transformer included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import neighbors, symbiotic
from ssl_jax.nets.neighbor_transformer import neighbor_transformer
from ssl_jax.types import Net

B, D, COUNT, HEADS = 4, 4, 3, 2
WEIGHTS = dict(neighbor_weight=0.5, centroid_weight=0.7, feature_weight=3.0)


def mixer(dropout=0.0):
    return neighbor_transformer(layers=2, heads=HEADS, hidden=3, dropout=dropout, dtype="float64")


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def cross_entropy(rows, candidates, temperature):
    logits = unit(rows) @ unit(candidates).T / temperature
    return np.mean([np.log(np.exp(row).sum()) - row[i] for i, row in enumerate(logits)])


def normed(x, p):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p["scale"] + p["bias"]


def mixed(p, x):
    """What a transformer of post-norm layers makes of the first of x [k, d], one example at a time."""
    waves = np.zeros((len(x), D))
    for place, feature in np.ndindex(len(x), D):
        angle = feature / 10000 ** ((place // 2) / ((len(x) + 1) // 2))
        waves[place, feature] = np.cos(angle) if place % 2 else np.sin(angle)
    x = x + waves
    for layer in (p["layer0"], p["layer1"]):
        q, k, v = np.split(x @ layer["attn"]["qkv"]["kernel"] + layer["attn"]["qkv"]["bias"], 3, -1)
        made = []
        for head in range(HEADS):
            part = slice(head * D // HEADS, (head + 1) * D // HEADS)
            weights = np.exp(q[:, part] @ k[:, part].T / np.sqrt(D // HEADS))
            made.append(weights / weights.sum(-1, keepdims=True) @ v[:, part])
        y = np.concatenate(made, -1) @ layer["attn"]["proj"]["kernel"] + layer["attn"]["proj"]["bias"]
        x = normed(x + y, layer["norm1"])
        y = x @ layer["fc1"]["kernel"] + layer["fc1"]["bias"]
        y = np.where(y.real > 0, y, 0) @ layer["fc2"]["kernel"] + layer["fc2"]["bias"]
        x = normed(x + y, layer["norm2"])
    return x[0]


def by_loops(p, student, teacher, queue):
    """The sum of the three terms, and each."""
    # by cosine, nearest first, of each image and view
    found = [[sorted(queue, key=lambda row, z=z: -(unit(z) @ row))[:COUNT] for z in image] for image in teacher]
    closest = [np.array([image[t][0] for image in found]) for t in range(2)]
    pairs = ((0, 1), (1, 0))
    nn = np.mean([cross_entropy(closest[t], student["prediction"][:, s], 0.2) for t, s in pairs])
    keys, asked = ([None, None] for _ in range(2))
    for t in range(2):
        keys[t] = np.stack([mixed(p, np.array(found[i][t])) for i in range(B)])
        shifted = [np.stack([student["second_prediction"][i, t], *found[i][t][:-1]]) for i in range(B)]
        asked[t] = np.stack([mixed(p, rows) for rows in shifted])
    centroids = np.mean([cross_entropy(keys[t], asked[s], 0.1) for t, s in pairs])
    on, off = [], []
    for t, s in pairs:
        c = unit(unit(teacher[:, t]).T) @ unit(student["projection"][:, s].T).T
        on.append(np.mean([(1 - c[i, i]) ** 2 for i in range(D)]))
        off.append(np.mean([c[i, j] ** 2 for i in range(D) for j in range(D) if i != j]))
    features = (np.sqrt(np.mean(on)) + np.sqrt(np.mean(off))) / 2
    return 0.5 * nn + 0.7 * centroids + 3.0 * features, (nn, centroids, features)


def looked(see, seed, v=2):
    names = ("projection", "prediction", "second_prediction")
    student = {name: see(B, v, 2, D, seed=seed + i).student for i, name in enumerate(names)}
    seen = see(B, v, 2, D, seed=seed)
    return seen._replace(student=student, teacher={"projection": seen.teacher})


@pytest.fixture(scope="module")
def made(see):
    with jax.enable_x64(True), jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        criterion = symbiotic.symbiotic(mixer(), size=12, count=COUNT, **WEIGHTS)
        params, state = jax.jit(criterion.init)(jax.random.key(0), looked(see, 0))
        for seed in (1, 2):
            state = criterion.update(state, looked(see, seed))
        moved = jax.tree.map(lambda a: a + 0.1 * np.random.default_rng(a.size).normal(size=a.shape), params)

        def slopes(params, state, seen):
            return jax.value_and_grad(
                lambda p, x: criterion.loss(p, state, seen._replace(student=x)), (0, 1), has_aux=True
            )(params, seen.student)

        return moved, state, jax.jit(slopes)


def test_the_three_terms_by_loops_in_value_and_gradient(strict, see, gradient, made):
    params, state, slopes = made
    seen, queue = looked(see, 9), np.asarray(state.rows.rows)
    p = jax.tree.map(np.asarray, params["transformer"])
    (value, metrics), (of_params, of_student) = slopes(params, state, seen)
    teacher = seen.teacher["projection"]
    expected, terms = by_loops(p, seen.student, teacher, queue)
    assert_allclose(value, expected, rtol=1e-10)
    assert_allclose([metrics[f"{n}/loss"] for n in ("neighbors", "centroids", "features")], terms, rtol=1e-10)
    for name, x in seen.student.items():

        def changed(x, name=name):
            return by_loops(p, {**seen.student, name: x}, teacher, queue)[0]

        assert_allclose(of_student[name], gradient(changed, x), atol=1e-10)
    leaves, form = jax.tree.flatten(p)
    for i, slope in enumerate(jax.tree.leaves(of_params)):

        def moved(x, i=i):
            return by_loops(form.unflatten([*leaves[:i], x, *leaves[i + 1 :]]), seen.student, teacher, queue)[0]

        assert_allclose(slope, gradient(moved, leaves[i]), atol=1e-10)


def test_without_its_other_terms_it_is_half_of_nnclr(strict, see):
    weights = dict(centroid_weight=0.0, feature_weight=0.0)
    criterion = symbiotic.symbiotic(mixer(), size=12, count=COUNT, **weights)
    seen = looked(see, 3)
    params, state = criterion.init(jax.random.key(0), seen)
    alone = seen._replace(student=seen.student["prediction"], teacher=seen.teacher["projection"])
    expected, _ = neighbors.nearest(size=12, temperature=0.2).loss({}, state, alone)
    assert_allclose(criterion.loss(params, state, seen)[0], expected / 2, rtol=1e-12)


def test_at_collapse_each_term_is_its_chance(strict, see, made):
    params, state, slopes = made
    one = np.ones((B, 2, D))
    seen = looked(see, 4)._replace(student=dict.fromkeys(looked(see, 4).student, one), teacher={"projection": one})
    (_, metrics), grads = slopes(params, state, seen)
    found = [metrics[f"{name}/loss"] for name in ("neighbors", "centroids", "features")]
    assert_allclose(found, [np.log(B), np.log(B), 0.5], rtol=1e-9)
    assert all(np.isfinite(a).all() for a in jax.tree.leaves(grads))


def test_the_transformer_drops_in_training_by_the_key_of_the_step(strict, see, made):
    params, state, _ = made
    criterion, seen = symbiotic.symbiotic(mixer(dropout=0.5), size=12, count=COUNT, **WEIGHTS), looked(see, 5)
    loss = jax.jit(lambda key: criterion.loss(params, state, seen._replace(key=key))[1])
    one, again, other = (loss(jax.random.key(seed)) for seed in (1, 1, 2))
    assert one["centroids/loss"] == again["centroids/loss"] != other["centroids/loss"]
    assert one["neighbors/loss"] == other["neighbors/loss"]


def test_what_it_cannot_use_is_refused_in_words(strict, see):
    criterion, seen = symbiotic.symbiotic(mixer(), size=12, count=COUNT), looked(see, 0)
    with pytest.raises(ValueError, match="each of the student's 3 views, and the teacher sees 2: take views of group"):
        criterion.init(jax.random.key(0), looked(see, 0, v=3))
    with pytest.raises(ValueError, match="a queue of 4 rows has no 5 neighbors; make it longer"):
        symbiotic.symbiotic(mixer(), size=4).init(jax.random.key(0), seen)
    with pytest.raises(ValueError, match="10 rows are no multiple of the 4 rows"):
        symbiotic.symbiotic(mixer(), size=10).init(jax.random.key(0), seen)
    normed = Net(lambda key, x: ({}, {"mean": jnp.zeros(3)}), mixer().apply)
    with pytest.raises(ValueError, match="mixes neighbors has batch norm; take neighbor_transformer"):
        symbiotic.symbiotic(normed, size=12, count=COUNT).init(jax.random.key(0), seen)
    with pytest.raises(ValueError, match="centroid_temperature is 0.0; it must be above 0"):
        symbiotic.symbiotic(mixer(), centroid_temperature=0.0)
    with pytest.raises(ValueError, match="a neighbor transformer of width 4 cannot be divided among 3 heads"):
        symbiotic.symbiotic(neighbor_transformer(heads=3), size=12).init(jax.random.key(0), seen)
