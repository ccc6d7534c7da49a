"""A margin that unit projections cannot keep at first."""

ARGUMENTS = {"margin": 2.0}
