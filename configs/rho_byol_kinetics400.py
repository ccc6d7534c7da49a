"""rho-BYOL, Slow-only ResNet-50 8x8, Kinetics-400, 200 epochs; `rho_byol_kinetics400:4` has rho = 4.

    ssl-jax train --config=rho_byol_kinetics400 --workdir=W \
        --config.data.train=folder:K400/train --config.data.test=folder:K400/val

The data: folders of the classes, with a video file for each clip of ten seconds. Needs PyAV, the extra ssl_jax[video].
Paper: PySlowFast's model zoo has 67.4 % linear top-1 for rho = 2 and 70.1 % for rho = 4 (arXiv:2104.14558).
Clips, augmentation, heads, temperature, averaging, LARS, decay, rate and warm-up: PySlowFast's recipes. Their rate
is for one machine of 64 videos and is multiplied by the machines, here as `per`.
Differs: bfloat16 in the networks; sides are not jittered before the crop; evaluation shows one clip and one crop,
and not ten and three.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

PEAKS = {"": (2, 0.6), "4": (4, 1.2)}
"""arg -> rho, rate per 64 videos."""


def get_config(arg: str = "") -> ConfigDict:
    """64 GPUs in the paper. arg: "" or "4", how many clips of each video."""
    if arg not in PEAKS:
        raise ValueError(f"rho_byol_kinetics400:{arg} is not published; leave it out (rho = 2) or write 4")
    clips, peak = PEAKS[arg]
    c = ConfigDict()
    c.data = dict(train="folder:K400/train", test="folder:K400/val")
    c.batch = 512
    c.duration = "200 epochs"
    c.method = dict(name="rho_byol", ema_decay=dict(kind="cosine", start=0.996, end=1.0))
    head = dict(name="byol_mlp", hidden=4096, out=256, dtype="bfloat16")
    c.nets = dict(encoder=dict(name="slow", depth=50, dtype="bfloat16"), projector=head, predictor=head)
    c.views = presets.rho(clips=clips)
    c.clean = presets.evaluate_clips()
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=peak, per=64, warmup="35 epochs")
    return c
