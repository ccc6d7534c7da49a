import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.evals import features


def batches(n, size):
    """n images whose pixels all say which they are, in batches that are filled up with rubbish."""
    for i in range(0, n, size):
        index = np.arange(i, i + size)
        real = index < n
        image = np.where(real, index, -99).astype(np.float32)[:, None, None, None] * np.ones((1, 2, 2, 1), np.float32)
        yield {
            "inputs": jnp.asarray(image),
            "label": np.where(real, index % 3, 7).astype(np.int32),
            "mask": real,
            "valid": real & (index % 4 != 2),
        }


def embed(images):
    flat = images.reshape(len(images), -1)
    return {"pool": flat[:, :2].astype(jnp.bfloat16), "maps": images}


@pytest.mark.parametrize("size", [1, 4, 7, 16])
def test_every_real_example_once_and_in_order(size):
    """The ones that could not be read, 2 and 6, with NaN."""
    x, y, valid = features.extract(jax.jit(embed), batches(7, size))
    rows = np.where(np.arange(7) % 4 == 2, np.nan, np.arange(7))
    np.testing.assert_array_equal(x, rows[:, None] * np.ones((1, 2)))
    np.testing.assert_array_equal(y, np.arange(7) % 3)
    np.testing.assert_array_equal(valid, np.isfinite(rows))
    assert x.dtype == np.float32 and y.dtype == np.int32 and valid.dtype == bool


def test_an_output_that_is_not_there_is_a_sentence():
    with pytest.raises(ValueError, match="gives no 'cls'; it gives maps, pool"):
        features.extract(embed, batches(4, 2), key="cls")
    with pytest.raises(ValueError, match=r"'maps' has the shape \(2, 2, 2, 1\)"):
        features.extract(embed, batches(4, 2), key="maps")


def test_no_batch_is_a_sentence():
    with pytest.raises(ValueError, match="the evaluation set is empty"):
        features.extract(embed, iter(()))
