"""SMoG on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=smog_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 74.3 % k-NN: 300 groups, clustered each
300 steps of what these have seen, when the teacher starts again from the student; SGD at 0.01 for a batch of 256,
decay 1e-6, averaging 0.99; heads of 2048 and 128. Views: its crops of 0.2 to 1 without blur, of one kind as SimSiam's
here.
Changed: 10,000 images, 8 epochs, clustered after each epoch, 79 steps; a ResNet of three blocks whose stem halves the
image, AdamW at 3e-3 with a warm-up of one epoch, hidden widths of 512. The loss begins near log 300 = 5.7.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="smog", ema_decay=0.99, groups=300, past=79 * 128, beta=0.99, temperature=0.1, reset=79)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="simsiam_projector", widths=(512, 128)),
        predictor=dict(name="mlp", widths=(512, 128)),
    )
    c.views = presets.small(gray=0.2)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
