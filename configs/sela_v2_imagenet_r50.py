"""SeLa-v2, ResNet-50, ImageNet, 400 epochs, two crops of 160 and four of 96 pixels.

    ssl-jax train --config=sela_v2_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 71.8 % linear top-1 (arXiv:2006.09882, figure 3 left; the code's README, which has 67.2 % for two crops of 224).
There are weights and no code: the paper says what SeLa was given, SwAV's augmentation, crops, head, temperature and
cosine rate, several heads and features that are kept of the last epoch. All numbers here are DeepCluster-v2's script,
of which the paper has both baselines, with SwAV's epsilon for the codes.
Differs, so far as can be known: the first epoch fills the bank and has no labels; bfloat16 in the networks. `groups=8`
is the batch norm over groups of 8 GPUs, 512 images.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """64 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "400 epochs"
    c.method = dict(name="sela_v2", heads=3, prototypes=3000, temperature=0.1, epsilon=0.05)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="swav_projector", hidden=2048, out=128, groups=8, dtype="bfloat16"),
    )
    c.views = presets.swav(160, scale=(0.08, 1.0), local=4, local_size=96)
    c.optimizer = dict(name="larc", weight_decay=1e-6, groups=(dict(match="prototypes$", unit_norm=1),))
    c.lr = dict(kind="cosine", start=0.3, peak=4.8, end=0.0048, warmup="10 epochs")
    return c
