"""Scripts that run on other machines; `ssl-jax launch` sends them there."""
