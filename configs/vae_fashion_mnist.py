"""VAE on 10,000 images of Fashion-MNIST that come with the package, small: minutes on two CPU cores.

    ssl-jax train --config=vae_fashion_mnist --workdir=W

Origin: no one paper's; a code of 16 numbers, a normal likelihood of variance 1/2, with which the loss is the squared
error and the divergence. A Bernoulli likelihood takes views in 0..1:
--config.method.likelihood=bernoulli --config.views.0.ops.2.args.mean="(0.0,)" --config.views.0.ops.2.args.std="(1.0,)"
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images; the bottleneck gives 16 means and 16 variances."""
    c = ConfigDict()
    c.data = dict(train="embedded:fashion_mnist/train", test="embedded:fashion_mnist/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="vae", likelihood="gaussian", variance=0.5, beta=1.0)
    c.nets = dict(
        encoder=dict(name="conv_encoder", widths=(32, 64, 128)),
        bottleneck=dict(name="linear", out=32),
        decoder=dict(name="conv_decoder", size=28, channels=1, widths=(64, 32)),
    )
    c.views = presets.whole(28, stats=presets.FASHION_MNIST)
    c.optimizer = dict(name="adamw", weight_decay=0.0)
    c.lr = dict(kind="cosine", peak=1e-3, per=128, warmup="5 %")
    c.evaluation = dict(final="all,reconstruction")
    return c
