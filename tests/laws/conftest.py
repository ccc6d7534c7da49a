"""What the laws of methods share: each method compiled for one device, once."""

import jax
import pytest

from tests.laws import tiny


@pytest.fixture(scope="session", params=tiny.METHODS)
def one(request):
    """A method on one device in float64. The laws of one method come one after the other, whatever their file."""
    with jax.enable_x64(True):
        yield tiny.Compiled(request.param)
