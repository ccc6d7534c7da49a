"""One layer of the teacher's two, up to 9 of 16 patches hidden."""

from ssl_jax.nets import heads, vit

ARGUMENTS = {"layers": 1, "hidden": 9}
GROUPS = {"global": (1, 16)}
NO_CONTROL = (
    "it has no one guard: no gradient reaches its targets, which are normalized and of a slow teacher; "
    "tests/paradigms/test_latent_prediction.py has the first"
)


def nets(dtype: str) -> dict:
    encoder = vit.vit(variant=(16, 2, 2, 4), mask_token=True, drop_path=0.2, dtype=dtype)
    return {"encoder": encoder, "predictor": heads.linear(out=16, dtype=dtype)}


learns = None
"""In so few steps its features become worse before they become better: docs/methods/data2vec.md has the numbers."""
