"""Two clusterings of a few images; every second prototype is drawn."""

ARGUMENTS = {"queue": 32, "clusters": (4, 6), "negatives": 3, "warmup": 0, "iterations": 3}
