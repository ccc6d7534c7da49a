"""Supervised regression by squared error: what the same encoder learns from targets alone, the reference of others."""

from ssl_jax.criteria import lenses, targeted
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("Supervised regression", "supervised", 1986, needs=("target",))


def supervised_regression(encoder: Net, projector: Net, *, mean: float = 0.0, std: float = 1.0) -> Method:
    """The projector is the regressor, `linear` with an output for each target. mean, std: of the training targets."""
    criterion = lenses.at(targeted.squared_error(mean=mean, std=std), name="projection")
    return joint_embedding(encoder, projector, criterion)
