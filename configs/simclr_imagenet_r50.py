"""SimCLR, ResNet-50 (1x), ImageNet, 1000 epochs.

    ssl-jax train --config=simclr_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 69.3 % linear top-1 (arXiv:2002.05709, table 6); about 64.5 % after 100 epochs, says the code's README
(--config.duration="100 epochs").
Batch, LARS, warm-up, weight decay: section 2.2. Temperature: the code's README. Rate: section 2.2, linear in the batch,
4.8 here; appendix B.1 has 0.075 sqrt(batch), the same at 4096. Augmentation: appendix A, strength 1.
Paper and code: the code's README decays by 1e-4, the paper by 1e-6 (here); the code reports the sum over both views'
losses, twice the paper's value (here the paper's; LARS does not see the factor, biases and norms do).
Differs: bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """128 TPU v3 cores in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "1000 epochs"
    c.method = dict(name="simclr", temperature=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="simclr_projector", widths=(2048, 128), dtype="bfloat16"),
    )
    c.views = presets.simclr(224)
    c.optimizer = dict(name="lars_rate_then_momentum", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=0.3, per=256, warmup="10 epochs")
    return c
