"""DINOv2, ViT-L/16, ImageNet, the code's short run.

    ssl-jax train --config=dinov2_imagenet_vitl16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 81.6 % k-NN, 82.9 % linear top-1 (arXiv:2304.07193, the code's README for this run).
All settings: the code's ssl_default_config.yaml and train/vitl16_short.yaml: batch 2048, 125,000 steps, AdamW at 4e-3
sqrt(batch / 1024) with decay from 0.04 to 0.4, a warm-up of 12,500 steps, layer-wise decay 0.9 and a fifth of the rate
for the patch embedding, averaging from 0.992 to 1, teacher temperature from 0.04 to 0.07 in 37,500 steps, layer scale
1e-5, drop path 0.3, 65536 outputs, eight small crops, half of the large ones with 10 to 50 % of their patches hidden.
Paper and code: this configuration of the code has DINO's center and one head for images and patches; the paper, the
code's larger runs and this have Sinkhorn and two heads. KoLeo looks for neighbors among the 64 images of a GPU.
Differs: bfloat16 in the network (float16 there), the heads' last products in float32; drop path rises from 0 to its
rate, there all layers have it; gradients are clipped together, there the encoder's and each head's alone.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """32 GPUs in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "125000 steps"
    c.method = dict(
        name="dinov2",
        ema_decay=dict(kind="cosine", start=0.992, end=1.0),
        teacher_temperature=dict(kind="linear", start=0.04, end=0.07, over="37500 steps"),
        koleo_weight=0.1,
        koleo_among=64,
    )
    head = dict(name="dino_head", out=65536, norm_last=False, dtype="bfloat16")
    c.nets = dict(
        encoder=dict(
            name="vit",
            variant="L/16",
            positions="learned",
            init_std=0.02,
            drop_path=0.3,
            layer_scale=1e-5,
            pool="cls",
            mask_token=True,
            remat=True,
            dtype="bfloat16",
        ),
        projector=head,
        patch_projector=head,
    )
    c.views = presets.dino(224, scale=(0.32, 1.0), local=8, local_size=96, local_scale=(0.05, 0.32))
    last = dict(match="(projector|dense)/last/", freeze="1250 steps")
    patches = dict(match="encoder/patch_embed/", multiple=0.2)
    decay = dict(kind="cosine", start=0.04, end=0.4)
    c.optimizer = dict(name="adamw", weight_decay=decay, clip_global=3.0, layer_rate=0.9, groups=(last, patches))
    c.lr = dict(kind="cosine", peak=4e-3, per=1024, rule="sqrt", end=1e-6, warmup="12500 steps")
    return c
