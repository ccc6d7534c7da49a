import jax
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.criteria import patches


def test_the_mean_square_over_all_hidden_patches(strict, see):
    seen = see(3, 4, 4, 5)
    value, metrics = jax.jit(patches.squared().loss)({}, {}, seen)
    expected = sum(((seen.student[i, j] - seen.teacher[i, j]) ** 2).sum() / 5 for i in range(3) for j in range(4)) / 12
    assert_allclose(value, expected, rtol=1e-12)
    mean = seen.teacher.mean((0, 1))
    assert_allclose(metrics["mean_target"], ((mean - seen.teacher) ** 2).mean(), rtol=1e-12)
    assert np.asarray(jax.jit(patches.squared().loss)({}, {}, seen._replace(student=seen.teacher))[0]) == 0


def test_the_mean_is_of_hidden_patches_where_the_batch_says_which(strict, see):
    seen, hidden = see(3, 4, 4, 5), np.random.default_rng(1).random((3, 4)) < 0.5
    seen = seen._replace(batch=seen.batch | {"hidden": hidden})
    apart = ((seen.student - seen.teacher) ** 2).mean(-1)
    value, metrics = jax.jit(patches.squared().loss)({}, {}, seen)
    assert_allclose(value, apart[hidden].mean(), rtol=1e-12)
    unseeing = ((seen.teacher.mean((0, 1)) - seen.teacher) ** 2).mean(-1)
    assert_allclose(metrics["mean_target"], unseeing[hidden].mean(), rtol=1e-12)


def test_codes_are_classes_of_hidden_patches(strict, see, gradient):
    code, hidden = np.random.default_rng(1).integers(0, 5, (3, 4)), np.random.default_rng(2).random((3, 4)) < 0.5
    seen = see(3, 4, 4, 5)._replace(teacher=code.astype(np.int32))

    def by_loops(logits, places):
        each = [np.log(np.exp(logits[at]).sum()) - logits[at][code[at]] for at in places]
        return sum(each) / len(each)

    every = list(np.ndindex(3, 4))
    for batch, places in ((seen.batch, every), (seen.batch | {"hidden": hidden}, [at for at in every if hidden[at]])):
        loss = lambda student, batch=batch: patches.codes().loss({}, {}, seen._replace(student=student, batch=batch))  # noqa: E731
        (value, metrics), slope = jax.jit(jax.value_and_grad(loss, has_aux=True))(seen.student)
        assert_allclose(value, by_loops(seen.student, places), rtol=1e-12)
        assert_allclose(slope, gradient(lambda x, p=places: by_loops(x, p), seen.student), atol=1e-12)
        assert_allclose(metrics["codes/top1"], np.mean([seen.student[at].argmax() == code[at] for at in places]))
