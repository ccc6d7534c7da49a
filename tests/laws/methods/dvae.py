"""Eight codes of 8 x 8 places."""

from ssl_jax.nets import dvae as nets_of

GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"
learns = None  # pixels, in tests/paradigms/test_discrete_autoencoding.py: an untrained network's features are as good


def nets(dtype: str) -> dict:
    sizes = dict(width=4, groups=2, blocks=1, dtype=dtype)
    return {"encoder": nets_of.dvae_encoder(codes=8, **sizes), "decoder": nets_of.dvae_decoder(start=8, **sizes)}
