"""Names of topologies as people write them."""

import pytest

from ssl_jax.shard import chips


@pytest.mark.parametrize(
    "name, count, shape",
    [
        ("v5e-16", 16, "v5e:4x4"),
        ("v5e:4x4", 16, "v5e:4x4"),
        ("v4-32", 16, "v4:2x2x4"),
        ("v5p-128", 64, "v5p:4x4x4"),
        ("v6e-8", 8, "v6e:2x4"),
        ("tpu7x", 4, "tpu7x:2x2x1"),
        ("tpu7x:2x2x2", 8, "tpu7x:2x2x2"),
        ("h100-8", 8, ""),
    ],
)
def test_a_name_is_so_many_chips_in_a_shape(name, count, shape):
    found = chips.topology(name)
    assert (found.chips, found.shape) == (count, shape)


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("v5f-16", "or v5e? (a topology is"),
        ("v5e-3", "no whole slice; there are v5e-1, v5e-4"),
        ("v4-9", "no whole slice"),
        ("v5e:2x2x2", "3 sides; a slice of v5e is written v5e:4x4"),
        ("v5e_4x4", "(a topology is v5e-16, v5e:4x4 or h100-8)"),
        ("v5e:", "no topology; write v5e-N or"),
        ("h100", "no number of GPUs; write h100-8"),
        ("h100:2x4", "no number of GPUs"),
    ],
)
def test_what_is_no_topology_is_told_the_way_to_write_one(name, sentence):
    with pytest.raises(ValueError) as told:
        chips.topology(name)
    assert sentence in str(told.value)
