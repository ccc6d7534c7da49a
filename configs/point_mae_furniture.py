"""Point-MAE on meshes of furniture, small: learns in minutes on two CPU cores.

    ssl-jax train --config=point_mae_furniture --workdir=W \
        --config.data.train='folder:DIR?split=train' --config.data.test='folder:DIR?split=test'

The data: meshes in ModelNet's layout, DIR/CLASS/{train,test}/*.off; here 263 and 93 of 13 classes.
Origin: `point_mae_shapenet55`. Changed: 256 points in 16 patches of 16; an encoder of 3 layers of 96, a decoder of 2;
no drop path; 2e-3; 64 clouds a batch, 1,000 steps, warm-up of 5 % of the run.
The table's D2 histogram is a shape feature by hand (`ssl_jax/evals/raw.py`). Two seeds, linear probe: 67 and 65 %, of
the random network 57 and 49, of D2 28 and 25 (benchmarks/results/point_mae_furniture.json); with 93 test meshes each
has a standard error of 5 points.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1,000 steps of 64 clouds, each of which other points of its mesh."""
    c = ConfigDict()
    c.data = dict(train="folder:furniture?split=train", test="folder:furniture?split=test")
    c.batch = 64
    c.duration = "1000 steps"
    c.method = dict(name="point_mae")
    c.nets = dict(
        encoder=dict(name="point_transformer", patches=16, points=16, width=96, layers=3, heads=4),
        decoder=dict(name="point_decoder", points=16, width=96, layers=2, heads=4),
    )
    c.views = presets.points(256)
    c.clean = presets.evaluate_points(256)
    c.optimizer = dict(name="adamw", weight_decay=0.05)
    c.lr = dict(kind="cosine", peak=2e-3, warmup="5 %")
    return c
