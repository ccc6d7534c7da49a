"""SimCLR v2, ResNet-50 (1x) with selective kernels, ImageNet, 800 epochs.

    ssl-jax train --config=simclr_v2_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Code: 74.6 % linear top-1 with selective kernels, 71.7 % without, --config.nets.encoder.name=resnet
(arXiv:2006.10029, table 1). Wider and deeper ones there: --config.nets.encoder.depth=152 --config.nets.encoder.width=3
and --config.nets.projector.widths="(6144, 6144, 128)" are the largest, 79.8 %.
Batch, LARS, rate (0.1 sqrt(batch)), decay, warm-up: the paper's section 3. Head of three layers, temperature, selective
kernels at 1/16: the code's. Augmentation: SimCLR's.
Paper and code: the code has no memory, which is worth about one point in the paper; `simclr_v2_memory` has it.
Differs: bfloat16 in the networks; the max-pool pads both sides, as torchvision's.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """TPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "800 epochs"
    c.method = dict(name="simclr_v2", temperature=0.1)
    c.nets = dict(
        encoder=dict(name="sk_resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="simclr_projector", widths=(2048, 2048, 128), dtype="bfloat16"),
    )
    c.views = presets.simclr(224)
    c.optimizer = dict(name="lars_rate_then_momentum", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=6.4, warmup="5 %")
    return c
