"""iGPT of 10,000 images of Fashion-MNIST that come with the package, small: sequences of 196 pixels on two CPU cores.

    ssl-jax train --config=igpt_fashion_mnist --workdir=W

Origin: none is published at this size. Raster order, a palette by k-means, the start of sequence, norms without means,
the zero output layer, features of half the depth, Adam with betas 0.9 and 0.95 without decay: iGPT's ("Generative
Pretraining from Pixels", 2020; code), `igpt_imagenet_s` here.
Changed: 14 pixels and 16 grays, 4 layers of 96; 1e-3 at a batch of 64, 5 epochs. The first loss is log 16, 4 bits a
pixel; `bits/unigram`, `bits/copy_left` and `bits/copy_up` are what `bits` shall fall below.
BERT's objective: --config.method.objective=bert --config.nets.encoder.causal=False
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 64 images."""
    c = ConfigDict()
    c.data = dict(train="embedded:fashion_mnist/train", test="embedded:fashion_mnist/test")
    c.batch = 64
    c.duration = "5 epochs"
    c.method = dict(name="igpt", objective="gpt")
    c.nets = dict(encoder=dict(name="pixel_transformer", colors=16, image_size=14, width=96, layers=4, heads=4))
    c.views = presets.whole(size=14, stats=presets.FASHION_MNIST)
    c.optimizer = dict(name="adamw", weight_decay=0.0, b1=0.9, b2=0.95)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="5 %")
    return c
