"""rho-BYOL on a folder of videos of your own (MP4, WebM, MKV, AVI, MOV), without labels.

    ssl-jax train --config=rho_byol_videos --workdir=W --config.data.train=folder:DIR

Needs PyAV: pip install "ssl_jax[video]". A video needs 29 frames, 1.2 seconds at 25 a second; shorter ones, and
those that are damaged where a clip is wanted, are replaced and named. With folders for classes, add
--config.probe=True and --config.data.test=folder:OTHER for a table.
Origin: `rho_byol_kinetics400`, with R(2+1)D-18 at 112 pixels, 8 frames 4 apart, heads of 1024 and 128, and AdamW, which
suits small sets. Frames are shrunk to a short side of 160 while they are decoded.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """100 epochs of batches of 16 videos; raise the batch with the set."""
    c = ConfigDict()
    c.data = dict(train="folder:videos")
    c.batch = 16
    c.duration = "100 epochs"
    c.method = dict(name="rho_byol", ema_decay=dict(kind="cosine", start=0.99, end=1.0))
    head = dict(name="byol_mlp", hidden=1024, out=128)
    c.nets = dict(encoder=dict(name="r2plus1d", depth=18), projector=head, predictor=head)
    c.views = presets.rho((8, 112), stride=4, short_side=160)
    c.clean = presets.evaluate_clips((8, 112), stride=4)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="5 %")
    c.probe = False
    return c
