"""One number to predict of each image."""

TARGETS = 1
NO_CONTROL = "targets are what it reads: the same features for all are no small loss"
learns = None  # of targets, which tests/run/test_regressing.py has
