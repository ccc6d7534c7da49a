"""What tests of embedding begin with."""

import pytest

from ssl_jax.exporting import export
from tests.exporting.drawn import drawn


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A file of a small encoder for gray images that has learned nothing, at "step" 7."""
    path = tmp_path_factory.mktemp("exported") / "encoder.npz"
    net = drawn("quickstart", channels=1, nets__encoder__depth="(1, 1)", nets__encoder__base="4")
    export.written(net, "npz", str(path), verify=False)
    return path
