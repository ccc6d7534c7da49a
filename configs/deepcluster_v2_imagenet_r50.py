"""DeepCluster-v2, ResNet-50, ImageNet, 400 epochs, two crops of 160 and four of 96 pixels.

    ssl-jax train --config=deepcluster_v2_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 74.3 % linear top-1 (arXiv:2006.09882, figure 3 left; the code's README has 70.2 % for two crops of 224, 75.2 %
for 800 epochs with SwAV's crops).
All settings: the code's scripts/deepclusterv2_400ep_pretrain.sh. The rates are for the batch of 4096 and do not scale
with it.
Paper and code: the same. The optimizer is SGD inside apex's LARC without a clip, which adapts and decays biases and
norms too. The centroids are no parameters here; the code freezes them.
Differs: the first epoch fills the bank and has no labels, where the code makes an extra pass; bfloat16 in the
networks. `groups=8` is the code's batch norm over groups of 8 GPUs, 512 images.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """64 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "400 epochs"
    c.method = dict(name="deepcluster_v2", heads=3, centroids=3000, temperature=0.1, iterations=10)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="swav_projector", hidden=2048, out=128, groups=8, dtype="bfloat16"),
    )
    c.views = presets.swav(160, scale=(0.08, 1.0), local=4, local_size=96)
    c.optimizer = dict(name="larc", weight_decay=1e-6)
    c.lr = dict(kind="cosine", start=0.3, peak=4.8, end=0.0048, warmup="10 epochs")
    return c
