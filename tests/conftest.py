"""Eight CPU devices for every test, and the strict flags for tests of mathematics.

SSL_JAX_TESTS_ON=cuda puts an accelerator before them, for the few tests that ask one: see tests/laws/test_device.py.
"""

import gc
import os
import tempfile

os.environ["JAX_PLATFORMS"] = ",".join(filter(None, (os.environ.get("SSL_JAX_TESTS_ON"), "cpu")))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # as in the commands: TensorFlow loads no Keras
# Tests compile more than they run, and without optimization XLA's CPU compiler takes two thirds of the time. Its older
# emitters are quicker, too, and so is a program in one piece where each worker has one core.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)

# Baselines that a person's runs have left are none of the tests' business, nor the other way round.
os.environ["SSL_JAX_CACHE"] = tempfile.mkdtemp(prefix="ssl_jax_tests_")

import jax  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

from ssl_jax.process import machine  # noqa: E402

jax.config.update("jax_num_cpu_devices", 8)
GROWN = 2**30
"""Bytes by which a process may have grown before it forgets what it has compiled."""


@pytest.fixture(autouse=True, scope="module")
def room_for_programs():
    """What JAX keeps of a program takes memory, and some of the 65,530 mappings that Linux allows a process."""
    yield
    if resident() > HELD["least"] + GROWN:
        jax.clear_caches()
        gc.collect()
        machine.release()
        HELD["least"] = resident()


def resident() -> int:
    """Bytes of this process that are in memory; 0 where the system does not say."""
    if not os.path.exists("/proc/self/statm"):
        return 0
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


HELD = {"least": resident()}


@pytest.fixture
def strict():
    """Float64, with silent broadcasting and silent promotion made errors."""
    with jax.enable_x64(True), jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture
def gradient():
    """(f, x) -> df/dx for a numpy f of analytic pieces, by the complex step: exact to rounding, no differences."""

    def of(f, x):
        result = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            shifted = x.astype(complex)
            shifted[place] += 1e-30j
            result[place] = f(shifted).imag / 1e-30
        return result

    return of
