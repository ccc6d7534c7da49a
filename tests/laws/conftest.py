"""What the laws of methods share: each method compiled for one device, once."""

import jax
import pytest

from tests.laws import tiny


@pytest.fixture(scope="session", params=tiny.METHODS)
def compiled(request):
    """A method's programs. The laws of one method come one after the other, whatever their file."""
    with jax.enable_x64(True):
        return tiny.Compiled(request.param)


@pytest.fixture
def one(compiled):
    """A method on one device, while numbers are float64."""
    with jax.enable_x64(True):
        yield compiled
