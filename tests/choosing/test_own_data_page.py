"""docs/own_data.md has the numbers of the tables."""

from pathlib import Path

import pytest

from ssl_jax.choosing import facts, measured, tables

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "own_data.md").read_text().split())


@pytest.mark.parametrize("side, words", [(48, "up to 48"), (96, "up to 96"), (160, "up to 160"), (161, "more")])
def test_sizes(side, words):
    views = [tables.size(side, platform) for platform in ("cpu", "gpu")]
    assert f"| {words}{' px' if side < 161 else ''} | {views[0]} px | {views[1]} px |" in PAGE


def test_numbers():
    first, *others = tables.METHODS
    batches = tables.BATCHES
    (limit, small), (_, large) = tables.HELD
    for said in (
        f"| method | {first}; or one of {', '.join(others)} |",
        f"views have {tables.PUBLISHED} px or more",
        f"from {tables.MEDIUM:,} images on `resnet50`",
        f"{batches['cpu']} images on a CPU, {batches['gpu']} a GPU, {batches['tpu']} a TPU chip",
        f"deviation of up to {facts.SEEN:,} of the images",
        f"{tables.EPOCHS} epochs, {tables.STEPS:,} steps or more",
        f"{tables.A_CLASS} a class or more: {100 * small:g} % of each class",
        f"of more than {limit:,} images {100 * large:g} %",
        f"at most {tables.EXAMPLES['cpu']:,} images on a CPU and {tables.EXAMPLES['accelerator']:,} on others",
        f"{100 - 100 * measured.SHARE:.0f} % of the time for steps are left",
        *(f"`{name}`" for name in tables.SMALL.values()),
    ):
        assert said in PAGE, said
