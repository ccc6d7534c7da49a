"""SimCLR on photoplethysmograms, probed for the heart rate, small: learns in minutes on two CPU cores.

    ssl-jax train --config=simclr_heart --workdir=W \
        --config.data.train='series:DIR?rate=100&window=6&stride=0.5&target=heart_rate&split=train' \
        --config.data.test='series:DIR?rate=100&window=6&stride=0.5&target=heart_rate&split=test'

The data: DIR has recordings as CSV, such as the three examples of the package heartpy (13 minutes of three people).
Windows of 6 seconds, of which views show 5; the target is the rate of the beats that scipy finds in each window, and
windows that do not tell it (about a fifth) are trained on, and not probed. Every fourth half minute of a recording is
for testing: the same people at another time, so that what is measured is no new person's rate.
Origin: SimCLR (`simclr_cifar10`) for contrastive pre-training of a regression, as the MaWis-KI project did it for
solder joints. Its views keep the label: shift, noise, scaling, cutout; played slower or faster, a window would have
another heart rate. AdamW at 2e-3.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

WINDOWS = "rate=100&window=6&stride=0.5&target=heart_rate"


def get_config() -> ConfigDict:
    """30 epochs of 1,207 windows, 128 a step."""
    c = ConfigDict()
    c.data = dict(train=f"series:heart?{WINDOWS}&split=train", test=f"series:heart?{WINDOWS}&split=test")
    c.batch = 128
    c.duration = "30 epochs"
    c.method = dict(name="simclr", temperature=0.2)
    c.nets = dict(
        encoder=dict(name="series_resnet", depth=(1, 1, 1), base=32, stride=4),
        projector=dict(name="mlp", widths=(128, 64)),
    )
    c.views = presets.series(500)
    c.clean = presets.evaluate_series(500)
    c.probe = False
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=2e-3, warmup="5 %")
    return c
