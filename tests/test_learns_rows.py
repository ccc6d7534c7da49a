"""What `benchmarks.learns` keeps of runs; that trainings learn is for the benchmark itself to say."""

import argparse
import json
import subprocess

import pytest

from benchmarks import learns

RECIPE, STEPS = "simclr_cifar10", 628


def of_seed(accuracy: float) -> dict:
    return {key: accuracy for key in learns.KEYS} | {"pretext": None, "seconds": 1.0, "commit": "a"}


def test_seeds_in_the_file_are_not_run_again_and_all_count(tmp_path):
    options = argparse.Namespace(seeds=2, teraflops=12.0, work=str(tmp_path), dir="/nowhere")
    row = {"config_hash": learns.digest_of(RECIPE, STEPS), "runs": {"0": of_seed(0.25), "1": of_seed(0.75)}}
    *_, found = learns.measured("simclr", RECIPE, row, options)
    assert found["steps"] == STEPS, "12 TFLOP"
    assert found["knn"] == {"mean": 0.5, "std": pytest.approx(0.125**0.5)}
    assert found["pretext"] is None and list(found["runs"]) == ["0", "1"] and not list(tmp_path.iterdir())
    with pytest.raises(subprocess.CalledProcessError):  # of another recipe: it is trained, and there are no data
        next(learns.measured("simclr", RECIPE, row | {"config_hash": "other"}, options))


def test_a_task_is_the_mean_of_the_last_tenth_beside_a_guess(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = [{"step": s, "loss": 1.0 * s, "mean_target": 7.0} for s in (10, 90, 95, 100)] + [{"step": 100, "knn": 0.1}]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert learns.task(learns.logged(path)) == ("loss", 97.5, 7.0)
    assert learns.task([{"step": 100, "loss": 1.0}]) is None
    assert learns.logged(tmp_path / "none") == [] and learns.task([]) is None


def test_what_is_not_beyond_random_weights_is_marked():
    level = lambda mean, std: {"mean": mean, "std": std}  # noqa: E731
    row = {"knn": level(0.4, 0.02), "knn_random_init": level(0.37, 0.02), "linear": level(0.5, None)}
    row |= {"linear_random_init": level(0.4, None)}
    assert learns.marked(row, "knn") == "40.0 ± 2.0!" and learns.marked(row, "linear") == "50.0"


def test_every_method_of_images_that_trains_without_labels_has_a_recipe_there(capsys):
    found = dict(learns.chosen(None))
    assert len(found) > 70 and found["vae"] == "vae_fashion_mnist" and next(iter(found)) == "simclr"
    left = {line.split(":")[0] for line in capsys.readouterr().err.splitlines()}
    assert left == {"clip", "point_mae", "rank_n_contrast", "rho_byol", "supervised_classification"} | {
        "supervised_regression"
    }
