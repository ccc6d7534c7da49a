"""Clips of one frame, shuffled and reversed: which frame stands where, what encoders know of it, the command."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax import loop
from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.data.sources import subset
from ssl_jax.run import frames, protocols, robustness

TINY = {
    **{"batch": "8", "duration": "1 step", "evaluation.every": "never", "evaluation.final": "none"},
    **{"lr.warmup": "0 steps", "nets.encoder.base": "4", "nets.encoder.depth": "(1, 1)"},
    **{
        "nets.projector.hidden": "8",
        "nets.projector.out": "8",
        "nets.predictor.hidden": "8",
        "nets.predictor.out": "8",
    },
}
FEW = {
    "data.train": "held:0.01*embedded:moving_fashion_mnist/train",
    "data.test": "held:0.01*embedded:moving_fashion_mnist/test",
}
ALL = "frames,order,arrow"


@pytest.fixture(scope="module")
def made():
    """A job on clips that all go to the right, which is their label, and its program."""
    moving = {f"data.{role}": f"embedded:moving_fashion_mnist/{role}?label=motion" for role in ("train", "test")}
    job = build.job(schema.changed(recipes.load("rho_byol_moving"), {**TINY, **moving, "evaluation.final": ALL}))
    return job, loop.compiled(job)


def of_motions(job, motions, count):
    """The job with as many clips of each set that go one of these ways."""
    sides = {}
    for role in ("train", "test"):
        source = getattr(job, role)
        sides[role] = subset(source, np.flatnonzero(np.isin(source.labels, motions))[:count])
    return job._replace(**sides)


def clips(views):
    """[b, t, h, w] of one channel."""
    return views["clean"][:, 0, ..., 0].astype(jnp.float32)


def average(views):
    """How uneven the sum of all frames is along its columns and along its rows."""
    whole = clips(views).sum(1)
    return jnp.stack([jnp.abs(jnp.diff(whole, axis=axis)).sum((1, 2)) for axis in (1, 2)], 1)


def jumps(views):
    return jnp.abs(jnp.diff(clips(views), axis=1)).sum((1, 2, 3))[:, None]


def ways(views):
    """How well each frame, moved a pixel to the right or to the left, fits the next one."""
    now, then = clips(views)[:, :-1], clips(views)[:, 1:]
    return jnp.stack([(jnp.roll(now, by, 3) * then).mean((1, 2, 3)) for by in (1, -1)], 1) / 255**2


def test_which_frame_stands_where():
    found = frames.orders(3000, 3)
    assert list(found) == [robustness.CLEAN, frames.ONE, frames.REVERSED, frames.SHUFFLED]
    assert all(each.shape == (3000, 3) for each in found.values())
    assert found[robustness.CLEAN][7].tolist() == [0, 1, 2] and found[frames.REVERSED][7].tolist() == [2, 1, 0]
    assert found[frames.ONE][7].tolist() == [1, 1, 1]
    kinds, counts = np.unique(found[frames.SHUFFLED], axis=0, return_counts=True)
    assert kinds.tolist() == [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], "all but their own"
    assert (abs(counts - 600) < 110).all(), "evenly: five standard deviations"


def test_a_shuffle_is_drawn_for_the_number_of_the_clip():
    few, many = (frames.orders(count, 8)[frames.SHUFFLED] for count in (10, 40))
    assert (few == many[:10]).all() and len(np.unique(many, axis=0)) == 40
    assert frames.orders(5, 2)[frames.SHUFFLED].tolist() == [[1, 0]] * 5
    assert frames.orders(2, 1)[frames.SHUFFLED].tolist() == [[0]] * 2


def test_each_clip_is_read_in_each_order(made):
    """The same whatever the batch, and what its order says."""
    job, program = made
    source, titles = subset(job.test, np.arange(20)), list(frames.orders(1, 8))
    pixels = lambda views: clips(views).reshape(len(views["clean"]), -1)  # noqa: E731
    big, small = (
        frames.seen(job._replace(evaluation={**job.evaluation, "batch": batch}), program, source, titles, pixels)
        for batch in (256, 8)
    )
    plain = big.x[robustness.CLEAN].reshape(20, 8, -1)
    for title, places in frames.orders(20, 8).items():
        assert (big.x[title] == small.x[title]).all()
        assert (big.x[title].reshape(20, 8, -1) == plain[np.arange(20)[:, None], places]).all()
    assert (big.y == source.labels).all()


def test_an_average_of_frames_knows_no_order(made):
    job, program = made
    found, told = frames.scores(of_motions(job, (0, 2), 150), program, average, ALL.split(","))
    assert found[robustness.CLEAN] == found[frames.SHUFFLED] == found[frames.REVERSED]
    assert found[robustness.CLEAN] > 0.65, "streaks to the right and streaks downward"
    assert found[frames.ONE] < found[robustness.CLEAN], "and one frame has no streak"
    assert [told[name]["accuracy"] for name in ("order", "arrow")] == [0.5, 0.5]


def test_differences_of_frames_know_the_order_and_ways_the_arrow(made):
    job, program = made
    one_way = of_motions(job, (0,), 120)
    found, told = frames.scores(one_way, program, jumps, ["order", "arrow"])
    assert found == {} and told["order"]["accuracy"] > 0.7 and told["arrow"]["accuracy"] == 0.5
    assert frames.scores(one_way, program, ways, ["arrow"])[1]["arrow"]["accuracy"] > 0.95
    both, _ = frames.scores(of_motions(job, (0, 4), 120), program, ways, ["frames"])
    assert both[robustness.CLEAN] > 0.95 and both[frames.REVERSED] < 0.05, "what goes to the right goes to the left"
    assert 0.3 < both[frames.ONE] < 0.7


def test_without_labels_and_test_set_a_part_of_training_is_the_test(made):
    job, program = made
    state = loop.fresh(job, program)
    before = jax.tree.map(np.array, (state.params, state.method_state))
    alone = of_motions(job, (0,), 40)._replace(test=None)
    found = frames.measured(alone, program, {"random_init": lambda: state, "pretrained": lambda: state})
    assert found["not_measured"] == {"frames": "it wants labels in the training and the test set"}
    assert list(found["order"]) == ["chance", "raw_pixels", "random_init", "pretrained"]
    assert found["order"]["chance"] == 0.5 and found["order"]["random_init"] == found["order"]["pretrained"]
    sizes = found["details"]["pretrained"]["arrow"]
    assert (sizes["n_train"], sizes["n_test"]) == (32, 8) and "robustness" not in found
    after = (state.params, state.method_state)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == np.asarray(b)).all()), before, after)), "frozen is frozen"
    few = frames.measured(alone._replace(train=subset(alone.train, np.arange(4))), program, {})
    assert "a fifth of the training clips, and there are 4" in few["not_measured"]["order"]


def test_a_diverged_encoder_is_a_column_without_numbers(made):
    job, program = made
    state = loop.fresh(job, program)
    bad = state._replace(params=jax.tree.map(lambda x: x * np.nan, state.params))
    found = frames.measured(of_motions(job, (0, 2), 40), program, {"pretrained": lambda: bad})
    assert found["order"]["pretrained"] is None and "diverged" in found["not_measured"]["pretrained"]
    assert list(found["robustness"]) == ["raw_pixels"] and found["order"]["raw_pixels"] is not None


def test_images_have_no_frames():
    job = build.job(schema.changed(recipes.load("quickstart"), {"evaluation.final": "knn,frames,order"}))
    found = frames.measured(job, None, {"random_init": None, "pretrained": None})
    why = "clips alone have frames, and the encoder takes image"
    assert found["not_measured"] == {"frames": why, "order": why}
    assert found["order"] == {"chance": None, "random_init": None, "pretrained": None}
    assert frames.measured(job._replace(evaluation={"final": "knn"}), None, {}) == {}
    for wrong, right in (("ordr", "order"), ("arow", "arrow"), ("frame", "frames")):
        with pytest.raises(ValueError, match=f"did you mean {right}"):
            protocols.asked(f"knn,{wrong}")


@pytest.mark.slow
def test_the_command_has_tables_of_it(tmp_path, capsys):
    flags = [f"--config.{key}={value}" for key, value in {**TINY, **FEW}.items()]
    assert main.main(["train", "--config=rho_byol_moving", f"--workdir={tmp_path}/W", *flags]) == 0
    assert main.main(["evaluate", f"--workdir={tmp_path}/W", f"--protocol=gamma,centroid,{ALL}"]) == 0
    written = capsys.readouterr()
    found = json.loads((tmp_path / "W" / "result.json").read_text())
    assert "gamma not measured: images alone can be distorted, and the encoder takes clip" in written.err
    assert "order of frames" in written.out and "shuffled frames" in written.out
    assert set(found["robustness"]) == {"raw_pixels", "random_init", "pretrained"}
    assert all(found[name]["pretrained"] is not None for name in ("centroid", "order", "arrow"))
