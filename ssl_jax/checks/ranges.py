"""Numbers of which some values make no sense: refused in words where they enter, before they become NaN."""


def above_zero(**numbers: float) -> None:
    """Raises ValueError for the first that is not above 0, as in temperature=0.0."""
    _refuse(numbers, lambda value: value > 0, "it must be above 0")


def zero_or_more(**numbers: float) -> None:
    """Raises ValueError for the first that is negative, as in weight_decay=-1.0."""
    _refuse(numbers, lambda value: value >= 0, "it must be 0 or more")


def at_most(most: float, **numbers: float) -> None:
    """Raises ValueError for the first that is larger, as in layers=10**12, which no machine could build."""
    _refuse(numbers, lambda value: value <= most, f"it must be at most {most}")


def below_one(**numbers: float) -> None:
    """Raises ValueError for the first that is not in 0..1 without 1 itself, as in momentum=1.0."""
    _refuse(numbers, lambda value: 0 <= value < 1, "it must lie between 0 and 1, and below 1")


def share(**numbers: float) -> None:
    """Raises ValueError for the first that is not in 0..1, as in ema_decay=1.5."""
    _refuse(numbers, lambda value: 0 <= value <= 1, "it must lie between 0 and 1")


def no_more_than_examples(examples: int, **numbers: float) -> None:
    """Raises ValueError for the first that is larger, as in clusters=1000 of 400 examples."""
    for name, value in numbers.items():
        if value > examples:
            raise ValueError(f"{name} is {value} and the dataset has {examples} examples; take {examples} or fewer")


def _refuse(numbers: dict, good, sentence: str) -> None:
    for name, value in numbers.items():
        if not good(value):  # so that NaN is refused too
            raise ValueError(f"{name} is {value}; {sentence}")
