"""As many numbers to predict of each image as the tiny projector has outputs."""

TARGETS = 8
NO_CONTROL = "targets are what it reads: a constant prediction is no small loss"
learns = None  # of targets, which tests/run/test_regressing.py has
