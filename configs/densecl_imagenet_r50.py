"""DenseCL, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=densecl_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: the code's README has 58.7 AP on VOC detection and 69.4 mIoU on VOC segmentation (MoCo v2: 57.0 and 67.5);
open-mmlab's run of it 63.5 % linear top-1, below MoCo v2's 67.5 %: places cost the image something.
All of it is MoCo v2's recipe (arXiv:2011.09157, section 4.1; the code's densecl_imagenet_200ep.py): batch, SGD, rate,
decay of every parameter, cosine, augmentation, queues of 65536, averaging 0.999. Heads: two layers, 2048 and 128, each
for the image and, as 1x1 convolutions, for the 7 x 7 places of a crop of 224. Weight of the dense term: 0.5.
Paper and code: the same; the code has a hook that leaves the dense term out of the first 1000 steps, and this
configuration does not use it.
Differs: bfloat16 in the networks. `groups=8` is the batch norm of the paper's 8 GPUs of 32 images each, on any number
of devices; the keys are shuffled over these groups, as there.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "200 epochs"
    c.method = dict(name="densecl", ema_decay=0.999, queue=65536, temperature=0.2, dense_weight=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="moco_v2_projector", hidden=2048, out=128, dtype="bfloat16"),
        dense_projector=dict(name="moco_v2_projector", hidden=2048, out=128, dtype="bfloat16"),
    )
    c.views = presets.moco_v2(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="cosine", peak=0.03, per=256)
    return c
