"""InfoMin, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=infomin_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 70.1 % linear top-1 (arXiv:2005.10243; PyContrast's table of models), 67.4 % for 100 epochs, 73.0 % for 800.
Everything: PyContrast, the authors' code; the rate ends at a thousandth.
Differs: of RandAugment the color operations alone; bfloat16 in the networks. `groups=8` as in `moco_v2_imagenet_r50`.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "200 epochs"
    c.method = dict(name="infomin", ema_decay=0.999, queue=65536, temperature=0.15, jigsaw_weight=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="moco_v2_projector", hidden=2048, out=128, dtype="bfloat16"),
        jigsaw_projector=dict(name="jigsaw_projector", widths=(2048, 128), out=128, dtype="bfloat16"),
    )
    c.views = presets.infomin(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="cosine", peak=0.03, per=256, end_factor=0.001)
    return c
