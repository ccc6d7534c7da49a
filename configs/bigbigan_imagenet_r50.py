"""BigBiGAN, ResNet-50 encoder of 256 pixels, generator of 128 pixels, ImageNet, 500,000 steps.

    ssl-jax train --config=bigbigan_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 56.6 % linear top-1 (arXiv:1907.02544, table 2). A code of 120 normal numbers, images in -1..1, sizes: the paper
and its published modules. Rates (ten times as large for the encoder), Adam's b1 of 0, batch, steps: section 3.
Self-attention at maps of 64 pixels, and a running average of the generator of 0.9999 for pictures: BigGAN's
(arXiv:1809.11096, appendices B and C), whose generator and discriminator the paper takes.
Differs: widths of the perceptrons are 2048, with no dropout; the encoder's head has no skip connections; views are
those of a linear probe; bfloat16 in the networks. So it is the method at the published size, and not a replica of the
run.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """A TPU pod of 32 to 512 cores there."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "500000 steps"
    c.method = dict(name="bigbigan", times=2, average=0.9999)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, zero_init=False, dtype="bfloat16"),
        bottleneck=dict(name="mlp", widths=(4096, 4096, 4096, 240), dtype="bfloat16"),
        generator=dict(
            name="residual_generator",
            size=128,
            widths=(1536, 1536, 768, 384, 192, 96),
            attention=64,
            output="tanh",
            dtype="bfloat16",
        ),
        discriminator=dict(
            name="joint_discriminator",
            widths=(96, 192, 384, 768, 1536, 1536),
            hidden=2048,
            layers=4,
            attention=64,
            dtype="bfloat16",
        ),
    )
    c.views = presets.linear_probe(256, stats=presets.HALF)
    groups = (dict(match="^(encoder|bottleneck)/", lr=2e-3),)
    c.optimizer = dict(name="adamw", b1=0.0, b2=0.999, weight_decay=0.0, groups=groups)
    c.lr = 2e-4
    return c
