"""SwAV, ResNet-50, ImageNet, 800 epochs, two crops of 224 and six of 96 pixels.

    ssl-jax train --config=swav_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 75.3 % linear top-1 (arXiv:2006.09882, figure 2 left; the README has 72.1, 73.9 and 74.6 % for 100, 200 and
400 epochs).
All settings: the code's scripts/swav_800ep_pretrain.sh. The rates are for the batch of 4096 and do not scale with it:
at 256 the code starts at 0.6, ends at 0.0006, warms up never, freezes for 5005 steps and has a queue of 3840.
Paper and code: the same. The optimizer is SGD inside apex's LARC without a clip, which adapts and decays biases and
norms too.
Differs: the prototypes are made unit vectors after each step, not before the next; bfloat16 in the networks, the codes
in float32. `groups=8` is the code's batch norm over groups of 8 GPUs, 512 images.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """64 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "800 epochs"
    c.method = dict(name="swav", prototypes=3000, temperature=0.1, epsilon=0.05, iterations=3)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="swav_projector", hidden=2048, out=128, groups=8, dtype="bfloat16"),
    )
    c.views = presets.swav(224, local=6, local_size=96)
    prototypes = dict(match="prototypes$", freeze="313 steps", unit_norm=0)
    c.optimizer = dict(name="larc", weight_decay=1e-6, groups=(prototypes,))
    c.lr = dict(kind="cosine", start=0.3, peak=4.8, end=0.0048, warmup="10 epochs")
    return c
