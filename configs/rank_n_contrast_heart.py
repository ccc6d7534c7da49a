"""Rank-N-Contrast on photoplethysmograms by their heart rate, small: learns in minutes on two CPU cores.

    ssl-jax train --config=rank_n_contrast_heart --workdir=W --config.data.train=... --config.data.test=...

Data, views and network are those of `simclr_heart`. The reference is the same network that is trained on the rate by
squared error: in a copy of this file,

    c.method = dict(name="supervised_regression", mean=93.3, std=12.4)
    c.nets.projector = dict(name="linear", out=1)

Origin: `rank_n_contrast_agedb_r18`. Changed: AdamW at 2e-3, a batch of 64, 20 epochs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import simclr_heart


def get_config() -> ConfigDict:
    """20 epochs of 1,207 windows, 64 a step."""
    c = simclr_heart.get_config()
    c.batch = 64
    c.duration = "20 epochs"
    c.method = dict(name="rank_n_contrast")
    c.nets.projector = dict(name="identity")
    return c
