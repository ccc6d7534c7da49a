"""The exit codes of `ssl-jax`, for supervisors: 0 is also that of a run that a signal stopped and that saved."""

BAD_INPUT = 2
"""A sentence about what the user wrote: to try again without a change is no use."""
UNHEALTHY = 3
"""The run goes nowhere, by the guards that the recipe sets: no use to try again without a look at it."""
HUNG = 4
"""No step ended in time; the stacks of all threads are on stderr. To try again is right. Where Python itself hangs in
foreign code that holds its lock, the stacks are there too and the code is 1."""


class Unhealthy(RuntimeError):
    """Training was stopped by a guard; one sentence."""
