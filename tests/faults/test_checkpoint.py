"""Every damage to the newest checkpoint is found and named, nothing is deleted, and the last good one is taken."""

import contextlib
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.storage.checkpoint import Checkpoints, Damaged, Keep
from ssl_jax.types import TrainState
from tests.faults import files


def state_at(step: int, seed: int = 0) -> TrainState:
    """Incompressible arrays, so that a flipped bit meets numbers; other ones at every step."""
    kernel, queue = jax.random.split(jax.random.fold_in(jax.random.key(seed), step))
    return TrainState(
        jnp.asarray(step, jnp.int32),
        {"kernel": jax.random.normal(kernel, (64, 96)), "bias": jnp.zeros(5, jnp.bfloat16)},
        {"queue": jax.random.uniform(queue, (33, 8)), "full": jnp.asarray(True)},
        (),
    )


pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a future of TensorStore

TARGET = jax.eval_shape(lambda: state_at(0))


@contextlib.contextmanager
def opened(folder, keep=3, **options):
    with contextlib.closing(Checkpoints(os.fspath(folder), Keep(keep, **options))) as saved:
        yield saved


@pytest.fixture
def folder(tmp_path):
    """Checkpoints of the steps 2, 4 and 6."""
    with opened(tmp_path / "checkpoints") as saved:
        for step in (2, 4, 6):
            saved.save(state_at(step), step)
    return tmp_path / "checkpoints"


def assert_same(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(np.asarray(a), np.asarray(b)), one, other)


def resumed(folder):
    said = []
    with opened(folder) as saved:
        found = saved.resume(TARGET, said.append)
    return found, said


def test_whole_ones_are_taken_without_a_word(folder):
    (state, step), said = resumed(folder)
    assert step == 6 and said == []
    assert_same(state, state_at(6))
    assert not (folder.parent / "checkpoints_damaged").exists()


@pytest.mark.parametrize("damage", files.ALL, ids=lambda f: f.__name__)
def test_a_damaged_newest_one_is_moved_aside_and_the_one_before_taken(folder, damage):
    damage(folder / "6")
    left = sorted(p.relative_to(folder / "6") for p in (folder / "6").rglob("*"))
    (state, step), said = resumed(folder)
    assert step == 4
    assert_same(state, state_at(4))
    assert len(said) == 1 and "step 6 is damaged" in said[0] and "step 4 is taken" in said[0]
    aside = folder.parent / "checkpoints_damaged" / "6"
    assert str(aside) in said[0] and sorted(p.relative_to(aside) for p in aside.rglob("*")) == left
    assert not (folder / "6").exists()


def test_the_step_can_be_saved_again_and_damaged_again(folder):
    for count in (1, 2):
        files.flip_a_bit(folder / "6")
        with opened(folder) as saved:
            assert saved.resume(TARGET, lambda text: None)[1] == 4
            saved.save(state_at(6, seed=count), 6)
            saved.wait()
            assert_same(saved.restore(6, TARGET), state_at(6, seed=count))
        assert len(list((folder.parent / "checkpoints_damaged").iterdir())) == count


def test_two_damaged_ones_are_both_named(folder):
    files.flip_a_bit(folder / "6")
    files.empty_the_folder(folder / "4")
    (state, step), said = resumed(folder)
    assert step == 2 and ["step 6 is damaged" in said[0], "step 4 is damaged" in said[1]] == [True, True]
    assert_same(state, state_at(2))


def test_without_a_good_one_it_is_one_sentence_and_nothing_moves(folder):
    for step in (2, 4, 6):
        files.truncate(folder / str(step))
    for _ in range(2):  # a second try must not begin anew in silence
        with pytest.raises(ValueError, match=r"all .* are damaged \(6: .*; 4: .*; 2: .*\); move it away"):
            resumed(folder)
    assert sorted(p.name for p in folder.iterdir() if p.name.isdigit()) == ["2", "4", "6"]


def test_a_reader_names_the_damage_and_moves_nothing(folder):
    files.flip_a_bit(folder / "6")
    with contextlib.closing(Checkpoints(os.fspath(folder), None)) as saved:
        with pytest.raises(Damaged, match=r"of step 6 in .* is damaged: 1 of 5 arrays differ.*params/kernel"):
            saved.restore(6, TARGET)
        assert_same(saved.restore(4, TARGET), state_at(4))
    assert (folder / "6").exists()


def test_another_structure_is_no_damage(folder):
    other = TARGET._replace(params={**TARGET.params, "bias": jax.ShapeDtypeStruct((6,), jnp.bfloat16)})
    with opened(folder) as saved, pytest.raises(ValueError, match=r"another recipe.*bfloat16\[5\] there.*\[6\] here"):
        saved.resume(other, lambda text: pytest.fail(text))
    assert (folder / "6").exists()


def test_an_unfinished_save_is_not_seen_and_is_cleared_away(folder):
    unfinished = folder / "8.orbax-checkpoint-tmp-0"
    (unfinished / "state").mkdir(parents=True)
    with contextlib.closing(Checkpoints(os.fspath(folder), None)) as reader:
        assert reader.steps() == [2, 4, 6] and unfinished.exists()
    with opened(folder) as saved:
        assert saved.steps() == [2, 4, 6]
        saved.save(state_at(8), 8)
    assert not unfinished.exists()


@pytest.mark.parametrize(
    "keep, values, stay",
    [
        (Keep(2), {}, {8, 10}),
        (Keep(1, due=lambda step: step % 4 == 0), {}, {4, 8, 10}),
        (Keep(1, best="max eval/knn"), {2: 0.1, 4: 0.9, 6: float("nan"), 8: 0.9}, {8, 10}),
        (Keep(1, best="min loss"), {2: 0.1, 4: 0.9, 6: None}, {2, 10}),
        (Keep(1, best="min loss"), {}, {10}),
    ],
)
def test_what_stays(keep, values, stay):
    assert keep.checked().chosen([10, 2, 4, 6, 8], values.get) == stay


def test_the_best_one_stays_across_restarts(tmp_path):
    for step, value in ((1, 0.2), (2, 0.7), (3, 0.5), (4, 0.6)):
        with opened(tmp_path, 1, best="max eval/knn") as saved:
            saved.save(state_at(step), step, {"eval/knn": value, "loss": -value})
    with opened(tmp_path) as saved:
        assert saved.steps() == [2, 4]


@pytest.mark.parametrize("keep", [Keep(0), Keep(1, best="eval/knn"), Keep(1, best="most eval/knn")])
def test_what_cannot_be_kept_is_a_sentence(keep):
    with pytest.raises(ValueError, match="checkpoint.(keep|best)="):
        keep.checked()
