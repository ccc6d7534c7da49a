"""Two blocks of two or three patches on a grid of 4 x 4, of which 12 can be seen."""

from ssl_jax.nets import latent_predictor, vit

ARGUMENTS = {"targets": 2, "least_context": 1, "context_share": 0.75}
GROUPS = {"global": (1, 16)}
NO_CONTROL = (
    "it has no one guard: no gradient reaches its targets, which are normalized and of a slow teacher; "
    "tests/paradigms/test_latent_prediction.py has the first"
)


def nets(dtype: str) -> dict:
    return {
        "encoder": vit.vit(variant=(16, 2, 2, 4), cls_token=False, pool="mean", drop_path=0.2, dtype=dtype),
        "predictor": latent_predictor.latent_predictor(width=8, layers=1, heads=2, dtype=dtype),
    }


learns = None
"""In so few steps its features become worse before they become better: docs/methods/ijepa.md has the numbers."""
