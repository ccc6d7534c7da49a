"""Published recipes compiled for real slices: what they send, that they fit, that they scale. Needs libtpu; slow."""

from functools import cache

import jax
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


EMBEDDINGS = {"simclr_imagenet_r50": 2 * 4096 * 128 * 4}
"""Bytes of what each device must have of all others' examples, besides sums: of methods with negatives."""


@pytest.mark.parametrize(
    "name", ["simclr_imagenet_r50", "byol_imagenet_r50", "dino_imagenet_vits16", "mae_imagenet_vitb16"]
)
def test_a_step_sends_what_its_mathematics_needs(name):
    """Gradients and batch statistics are summed, embeddings gathered and their gradients brought back, no more.

    A compiler may gather as a sum of parts that do not overlap, and it sums gradients in bfloat16 where the products
    that they come from are. Images or activations that travel would be a hundred times as much.
    """
    sent = plan(name, "v5e:8x8")["collectives"]
    assert set(sent) <= {"all-gather", "all-reduce"}
    assert name in EMBEDDINGS or set(sent) == {"all-reduce"}
    params = planning.program_of(recipe(name), IMAGENET, jax.devices()[:1]).state.params
    count, needed = sum(leaf.size for leaf in jax.tree.leaves(params)), EMBEDDINGS.get(name, 0)
    assert 2 * count + needed <= sum(row["bytes"] for row in sent.values()) <= 1.1 * 4 * count + 4 * needed


@pytest.mark.parametrize(
    ("name", "topology", "changes"),
    [
        ("simclr_imagenet_r50", "v5e:8x8", {}),
        ("simclr_imagenet_r50", "v5e:4x4", {"nets__encoder__remat": "True"}),
        ("dino_imagenet_vits16:300", "v5e:4x4", {"nets__encoder__remat": "True"}),
        ("mae_imagenet_vitb16", "v5e:8x8", {"nets__encoder__variant": "L/16", "nets__encoder__remat": "True"}),
    ],
)
def test_the_published_batch_fits(name, topology, changes):
    row = plan(name, topology, **changes)
    assert row["fits"], f"{row.get('peak', row.get('needed')) / 2**30:.1f} GiB of {row['memory'] / 2**30:.0f}"


def test_memory_and_work_of_a_chip_do_not_grow_with_the_slice():
    small, large = (plan("simclr_imagenet_r50", f"v5e-{n}", batch=str(64 * n)) for n in (16, 256))
    for what in ("peak", "compiler_flops"):
        assert large[what] == pytest.approx(small[what], rel=0.03), what


def test_memory_of_a_step_does_not_grow_with_the_bank():
    """What the guard against numbers that are not finite must not do: keep a second copy of the bank."""
    few, many = (
        planning.plan(recipe("deepcluster_v2_cifar10"), ["v5e:2x4"], sizes=(n, 10, 3), search=False)[0]
        for n in (8192, 64 * 8192)
    )
    shard = (many["state_bytes"] - few["state_bytes"]) / 8
    assert shard > 1e7
    assert many["arguments"] - few["arguments"] == pytest.approx(shard, rel=0.05), "each device holds its rows alone"
    assert many["temporary"] - few["temporary"] < 0.02 * shard


def test_a_step_of_a_residual_network_moves_each_activation_few_times():
    """Statistics in two passes, a wide output that is kept, colors that are written down: each is some gigabytes."""
    found = plan("simclr_imagenet_r50", "v5e:8x8")
    assert found["bytes_moved"] < 28e9
    assert found["bytes_accessed"] < 50e9, "by the compiler's count"


def test_a_step_of_a_transformer_keeps_the_results_of_products_alone():
    """Attention's weights in float32, norms and activations would be six gigabytes more, and three of memory."""
    found = plan("mae_imagenet_vitb16", "v5e:8x8")
    assert found["bytes_moved"] < 31e9
    assert found["bytes_accessed"] < 42e9, "by the compiler's count"
    assert found["peak"] < 4.6 * 2**30
