"""DINO, ViT-S/16, ImageNet, 100 epochs; `dino_imagenet_vits16:300` is the code's longer recipe.

    ssl-jax train --config=dino_imagenet_vits16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 77.0 % linear, 74.5 % k-NN top-1 for 800 epochs (arXiv:2104.14294, table 2). The code's README has for this
recipe about 73.8 % linear, 69.3 % k-NN, and for 300 epochs 76.1 and 73.3 %.
All settings: the defaults of the code's main_dino.py, 8 GPUs of 64 images; for 300 epochs the README's 16 GPUs, a
teacher temperature that rises to 0.07 in 30 epochs, and a last layer of any norm.
Paper and code: the paper's longest run (batch 1024, 10 small crops, no clipping) has arguments of its own.
On chips of 16 GB (v5e), 64 images each need --config.nets.encoder.remat=True: 2 GB instead of 20.
Differs: bfloat16 in the network (float16 there), the head's last product in float32. The clip has no 1e-6 in its
denominator.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config(arg: str = "") -> ConfigDict:
    """8 GPUs, 1.75 days in the README. arg: "" or "300"."""
    if arg not in ("", "300"):
        raise ValueError(f"dino_imagenet_vits16:{arg} is not published; leave it out (100 epochs) or write 300")
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 1024 if arg else 512
    c.duration = f"{arg or 100} epochs"
    c.method = dict(
        name="dino",
        ema_decay=dict(kind="cosine", start=0.996, end=1.0),
        teacher_temperature=dict(kind="linear", start=0.04, end=0.07, over="30 epochs") if arg else 0.04,
        student_temperature=0.1,
        center_momentum=0.9,
    )
    c.nets = dict(
        encoder=dict(
            name="vit", variant="S/16", positions="learned", init_std=0.02, drop_path=0.1, pool="cls", dtype="bfloat16"
        ),
        projector=dict(name="dino_head", out=65536, norm_last=not arg, dtype="bfloat16"),
    )
    c.views = presets.dino(224, local=8, local_size=96)
    last = dict(match="projector/last/", freeze="1 epoch")
    decay = dict(kind="cosine", start=0.04, end=0.4)
    c.optimizer = dict(name="adamw", weight_decay=decay, clip_each=3.0, groups=(last,))
    c.lr = dict(kind="cosine", peak=5e-4, per=256, end=1e-6, warmup="10 epochs")
    return c
