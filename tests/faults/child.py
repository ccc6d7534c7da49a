"""`python -m tests.faults.child FAULT train …`: the command line with the tiny job and a fault in it."""

import sys

from ssl_jax.cli import main
from ssl_jax.config import build
from tests.faults import faults, tiny

if __name__ == "__main__":
    fault = getattr(faults, sys.argv[1])
    build.job = lambda config: fault(tiny.job(config))
    sys.exit(main.main(sys.argv[2:]))
