"""rho-BYOL on Moving Fashion-MNIST, small: clips that come with the package, in minutes on two CPU cores.

    ssl-jax train --config=rho_byol_moving --workdir=W

The table probes appearance (10 garments). `python benchmarks/moving_probes.py W` probes motion (8 directions) as well,
on the same features.
Origin: `rho_byol_kinetics400`. Changed: 10,000 clips of 16 frames, of which a view shows 8; R(2+1)D of three stages of
one block, base 16, on 24 pixels; AdamW at 2e-3, averaging 0.99 throughout; heads of 256 and 64; crops of 0.5 to 1, and
no flip, which would teach the network not to see where things go. rho = 1, two augmentations of one clip:
--config.views.0.ops.0.args.together=True.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """600 steps of 32 clips."""
    c = ConfigDict()
    c.data = dict(train="embedded:moving_fashion_mnist/train", test="embedded:moving_fashion_mnist/test")
    c.batch = 32
    c.duration = "600 steps"
    c.method = dict(name="rho_byol", ema_decay=0.99)
    head = dict(name="byol_mlp", hidden=256, out=64)
    encoder = dict(name="r2plus1d", depth=(1, 1, 1), base=16, stem="half")
    c.nets = dict(encoder=encoder, projector=head, predictor=head)
    stats = presets.MOVING_FASHION_MNIST
    c.views = presets.rho((8, 24), stride=1, scale=(0.5, 1.0), jitter=(0.4, 0.4, 0, 0), flip=False, stats=stats)
    c.clean = presets.evaluate_clips((8, 24), stride=1, resize=24, stats=stats)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=2e-3, warmup="5 %")
    c.evaluation = dict(examples=5000)
    return c
