"""The view of probes and of fine-tuning: a crop and a flip of what evaluation sees as it is."""

FRAMING = ("resize", "center_crop")
"""Operations of clean views in the place of which there is a random crop."""


def augmented(clean: dict, *, method: str = "bilinear", group: str = "clean") -> dict:
    """A clean view of images, as recipes have it, with a random resized crop and a flip in the place of its framing.

    method: how crops are resized. group: of the view.
    """
    crop = dict(name="random_resized_crop", args=dict(scale=(0.08, 1.0), method=method))
    rest = tuple(op for op in clean["ops"] if op["name"] not in FRAMING)
    return {**clean, "group": group, "ops": (crop, dict(name="flip", p=0.5), *rest)}
