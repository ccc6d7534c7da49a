"""Local Aggregation, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=local_aggregation_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 60.2 % linear top-1 (arXiv:1903.12355, table 1).
All settings: the code's exp_configs/la_final.json, "res50_IR" and "res50_LA": 10 epochs of InstDisc, then ten runs of
k-means with 30,000 clusters before each epoch, 4096 background neighbors, SGD at 0.03 for a batch of 128, the rate
times 0.1 after 1,522,000 and 1,895,857 of 2,001,800 steps. Views: InstDisc's.
Differs: InstDisc's constant is of the first batch, where the code has a number; biases are not decayed (in the code
norms alone are not); the ResNet has its norms after the convolutions, where the code's are before; k-means puts a far
row into an empty cluster, where faiss halves a large one; bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """One GPU in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 128
    c.duration = "2001800 steps"
    sizes = dict(clusters=30000, runs=10, background=4096, negatives=4096)
    c.method = dict(name="local_aggregation", **sizes, temperature=0.07, momentum=0.5, warmup=10, iterations=20)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, zero_init=False, dtype="bfloat16"),
        projector=dict(name="linear", out=128, dtype="bfloat16"),
    )
    c.views = presets.moco_v1(224, count=1)
    c.optimizer = dict(name="sgd", weight_decay=1e-4)
    c.lr = dict(kind="steps", peak=0.03, per=128, at=("1522000 steps", "1895857 steps"), factor=0.1)
    return c
