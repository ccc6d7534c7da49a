"""CPC v2, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=cpc_v2_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 63.8 % linear top-1 (arXiv:1905.09272, table 2); its ResNet-161 has 71.5.
Patches, crop, context, scale of predictions, offset, Adam and its rate, batch and length: the paper's appendix. No code
of the authors is public.
Differs: of what the paper does to a patch only the loss of two of three channels; no average of the weights over the
steps, whose mean the paper evaluates; no warm-up is published, and this has one epoch; bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """18,432 patches of 80 pixels in a batch."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 512
    c.duration = "200 epochs"
    c.method = dict(name="cpc_v2", offsets=(3,), directions=("down", "up", "right", "left"), scale=0.1)
    c.nets = dict(
        encoder=dict(name="patch_resnet", patch=80, stride=36, drop_colors=1.0, depth=50, remat=True, dtype="bfloat16"),
        projector=dict(name="linear", out=64, dtype="bfloat16"),
        context=dict(name="masked_context", layers=5, hidden=256, dtype="bfloat16"),
        predictor=dict(name="linear", out=64, dtype="bfloat16"),
    )
    c.views = presets.cpc(260)
    c.clean = presets.cpc_clean(260)
    c.optimizer = dict(name="adamw", b1=0.8, b2=0.999, eps=1e-8, weight_decay=0.0)
    c.lr = dict(kind="constant", peak=4e-4, warmup="1 epoch")
    return c
