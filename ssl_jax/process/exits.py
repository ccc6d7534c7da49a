"""The exit codes of `ssl-jax`, for supervisors: 0 is also that of a run that a signal stopped and that saved."""

BAD_INPUT = 2
"""A sentence about what the user wrote: to try again without a change is no use."""
UNHEALTHY = 3
"""The run goes nowhere, by the guards that the recipe sets: no use to try again without a look at it."""
HUNG = 4
"""No step ended in time; the stacks of all threads are on stderr. To try again is right. Where Python itself hangs in
foreign code that holds its lock, the stacks are there too and the code is 1."""
IO_FAILED = 74
"""A disk, bucket or network did not do what it should (EX_IOERR of sysexits.h): full, slow or away. To try again is
right where that passes."""
PEERS_MISSING = 75
"""Other processes did not come in time (EX_TEMPFAIL of sysexits.h). To try again is right."""
FINAL = (BAD_INPUT, UNHEALTHY)
"""After these nothing is tried again without a person."""


class Unhealthy(RuntimeError):
    """Training was stopped by a guard; one sentence."""


WRITTEN = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
"""Errors of the system that come from a path that the user wrote."""
KINDS = (
    (TimeoutError, PEERS_MISSING),
    ((ValueError, *WRITTEN), BAD_INPUT),
    (OSError, IO_FAILED),
    (Unhealthy, UNHEALTHY),
)


def of(error: Exception) -> int | None:
    """The code for an error whose text is one sentence for the user; None for one that nobody has foreseen."""
    return next((code for kind, code in KINDS if isinstance(error, kind)), None)
