"""How large the dataset of a recipe is, without the dataset."""

EXAMPLES = {"imagenet2012": (1_281_167, 1000), "K400": (240_000, 400), "laion": (400_000_000, 0)}
"""Examples and classes of the datasets of published recipes, by a word of their name."""
OWN = (10_000, 10)
"""Of every other."""


def of(config: dict) -> tuple[int, int, int]:
    """Examples, classes and channels of what a resolved or unresolved recipe trains on."""
    examples = next((known for name, known in EXAMPLES.items() if name in config["data"]["train"]), OWN)
    means = [op["args"]["mean"] for view in config["views"] for op in view["ops"] if op["name"] == "normalize"]
    return *examples, len(means[0]) if means else 3


def published(config: dict) -> bool:
    """Whether it is a recipe at full size, which takes long to trace."""
    return of(config)[0] > 100_000
