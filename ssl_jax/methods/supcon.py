"""SupCon (Khosla et al. 2020, arXiv:2004.11362): SimCLR in which all views of a class are positives."""

from ssl_jax.criteria import labeled, lenses
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("SupCon", "supervised", 2020, "arXiv:2004.11362", needs=("image", "label"))


def supcon(encoder: Net, projector: Net, *, temperature: float = 0.1, base_temperature: float = 0.07) -> Method:
    """Supervised: it reads the labels of the training set. Examples without one have their own views as positives.

    temperature: the paper's. base_temperature: the loss is multiplied by temperature / base_temperature, as in the
    authors' PyTorch code; 1 is their TensorFlow code. Batch statistics over both views together.
    """
    criterion = labeled.supcon(temperature=temperature, base_temperature=base_temperature)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"))
