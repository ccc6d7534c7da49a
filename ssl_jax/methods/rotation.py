"""Rotation prediction, RotNet (Gidaris et al. 2018, arXiv:1803.07728): which of four turns was it?"""

from ssl_jax.paradigms.pretext import named, pretext
from ssl_jax.tasks import pretext_tasks
from ssl_jax.types import Card, Method, Net

CARD = Card("Rotation prediction", "pretext task", 2018, "arXiv:1803.07728")


def rotation(encoder: Net, classifier: Net) -> Method:
    """All four turns of each image in one batch, as the official code has them; crops and flips come before."""
    return pretext(encoder, classifier, lambda key, held, images: pretext_tasks.rotation(images), named(4))
