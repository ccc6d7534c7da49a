"""As many numbers to predict of each image as the tiny projector has outputs."""

TARGETS = 8
learns = None  # of targets, which tests/test_regressing.py has
