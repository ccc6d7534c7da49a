"""SimCLR on simulated solder joints, probed for their life with few labels: learns in minutes on two CPU cores.

    ssl-jax train --config=simclr_solder_joints --workdir=W

The data (`ssl_jax/data/joints.py`): 10,000 pictures of joints with voids and cracks, of which 200 have a target, the
logarithm of the cycles to failure. It is simulated. The reference is the same network that is trained on the 200 by
squared error: in a copy of this file,

    c.data.train = "embedded:solder_joints/train?examples=200"
    c.method = dict(name="supervised_regression", mean=3.29, std=0.4)
    c.nets.projector = dict(name="linear", out=1)

Here it is the better one: of a target that views keep as they are, 200 labels tell more than which pictures are alike
(`benchmarks/results/simclr_solder_joints.json`).
Origin: contrastive pre-training of a regression, the MaWis-KI project, whose data and network are not public. Views
keep voids and cracks whole, at their size: a shift within the ground around the joint, a flip, and light.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """10 epochs of 10,000 pictures, 128 a step."""
    c = ConfigDict()
    c.data = dict(train="embedded:solder_joints/train?labeled=200", test="embedded:solder_joints/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="simclr", temperature=0.2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(256, 64)),
    )
    c.views = presets.measured(32)
    c.probe = False
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
