"""Published recipes compiled for real slices: what they send, that they fit, that they scale. Needs libtpu; slow."""

from functools import cache

import pytest

from ssl_jax import planning
from tests.test_planning import NEEDS, recipe

pytestmark = [pytest.mark.slow, NEEDS]
IMAGENET = (1281167, 1000, 3)


@cache
def plan(name: str, topology: str, **changes: str) -> dict:
    """The row of a recipe on a slice."""
    config = recipe(name, **{key.replace("__", "."): value for key, value in changes.items()})
    (row,) = planning.plan(config, [topology], sizes=IMAGENET, search=False)
    return row


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("simclr_imagenet_r50", {"all-gather", "all-reduce"}),  # embeddings; gradients and batch statistics
        ("byol_imagenet_r50", {"all-reduce"}),  # each example is compared with itself
        ("dino_imagenet_vits16", {"all-reduce"}),  # gradients, and the mean that the centre follows
        ("mae_imagenet_vitb16", {"all-reduce"}),  # gradients
    ],
)
def test_a_step_sends_what_its_mathematics_needs(name, kinds):
    assert set(plan(name, "v5e:8x8")["collectives"]) == kinds


@pytest.mark.parametrize(
    ("name", "topology", "changes"),
    [
        ("simclr_imagenet_r50", "v5e:8x8", {}),
        ("simclr_imagenet_r50", "v5e:4x4", {"nets__encoder__remat": "True"}),
        ("dino_imagenet_vits16:300", "v5e:4x4", {}),
        ("mae_imagenet_vitb16", "v5e:8x8", {"nets__encoder__variant": "L/16"}),
    ],
)
def test_the_published_batch_fits(name, topology, changes):
    row = plan(name, topology, **changes)
    assert row["fits"], f"{row.get('peak', row.get('needed')) / 2**30:.1f} GiB of {row['memory'] / 2**30:.0f}"


def test_memory_and_work_of_a_chip_do_not_grow_with_the_slice():
    small, large = (plan("simclr_imagenet_r50", f"v5e-{n}", batch=str(64 * n)) for n in (16, 256))
    for what in ("peak", "compiler_flops"):
        assert large[what] == pytest.approx(small[what], rel=0.03), what
