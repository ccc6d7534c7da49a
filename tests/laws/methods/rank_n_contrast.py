"""One number to predict of each image."""

TARGETS = 1
learns = None  # of targets, which tests/test_regressing.py has
