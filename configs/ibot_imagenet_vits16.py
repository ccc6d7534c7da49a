"""iBOT, ViT-S/16, ImageNet, 800 epochs.

    ssl-jax train --config=ibot_imagenet_vits16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 77.9 % linear, 75.2 % k-NN top-1 (arXiv:2111.07832, table 1).
All settings: the code's arguments for this run, 16 GPUs of 64 images: one head for images and patches, 8192 outputs,
half of the images without a mask, the others with blocks of 10 to 50 %, ten small crops, both teacher temperatures
from 0.04 to 0.07 in 30 epochs.
Paper and code: the same.
Differs: bfloat16 in the network (float16 there), the head's last product in float32. The clip has no 1e-6 in its
denominator. Each full-size crop draws its own mask, as there; a block is given up after 64 draws in all.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """16 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 1024
    c.duration = "800 epochs"
    warming = dict(kind="linear", start=0.04, end=0.07, over="30 epochs")
    c.method = dict(
        name="ibot",
        ema_decay=dict(kind="cosine", start=0.996, end=1.0),
        teacher_temperature=warming,
        patch_teacher_temperature=warming,
        student_temperature=0.1,
        center_momentum=0.9,
        mask_share=0.5,
        mask_ratio=(0.1, 0.5),
        mask_shape="block",
    )
    c.nets = dict(
        encoder=dict(
            name="vit",
            variant="S/16",
            positions="learned",
            init_std=0.02,
            drop_path=0.1,
            pool="cls",
            mask_token=True,
            dtype="bfloat16",
        ),
        projector=dict(name="dino_head", out=8192, norm_last=False, dtype="bfloat16"),
    )
    c.views = presets.dino(224, scale=(0.25, 1.0), local=10, local_size=96, local_scale=(0.05, 0.25))
    last = dict(match="projector/last/", freeze="1 epoch")
    decay = dict(kind="cosine", start=0.04, end=0.4)
    c.optimizer = dict(name="adamw", weight_decay=decay, clip_each=3.0, groups=(last,))
    c.lr = dict(kind="cosine", peak=5e-4, per=256, end=1e-6, warmup="10 epochs")
    return c
