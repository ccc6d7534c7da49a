"""Exit codes that others act on. Any code besides 0 and `BAD_INPUT` means that to start again makes sense."""

BAD_INPUT = 2
"""A sentence about what the user wrote: to try again without a change is no use."""
PEERS_MISSING = 75
"""Other processes did not come in time (EX_TEMPFAIL of sysexits.h)."""
