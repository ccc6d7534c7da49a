"""Rank-N-Contrast, ResNet-18, AgeDB, 400 epochs: features in the order of people's ages.

    ssl-jax train --config=rank_n_contrast_agedb_r18 --workdir=W \
        --config.data.train='table:DIR/agedb.csv?image=path&target=age&split=train' \
        --config.data.test='table:DIR/agedb.csv?image=path&target=age&split=test'

The data: AgeDB's pictures of faces below DIR, and the table agedb.csv with the columns age, path (relative to DIR) and
split, as the authors' code reads it.
Paper: arXiv:2210.01189, whose regressor on frozen features is a linear layer trained with the L1 loss; the table of a
run here has a ridge regression in its place.
Network, batch, SGD, rate, decay, augmentation, temperature: the defaults of the released code (kaiwenzha/
Rank-N-Contrast, main_rnc.py). It has no projector; similarities are -L2 / 2, distances of ages L1.
The code moves the rate once an epoch (here every step), to a thousandth of the peak, and drops the examples that fill
no batch. Differs: bfloat16 in the network.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """One GPU in the paper."""
    c = ConfigDict()
    columns = "image=path&target=age"
    c.data = dict(train=f"table:agedb.csv?{columns}&split=train", test=f"table:agedb.csv?{columns}&split=test")
    c.batch = 256
    c.duration = "400 epochs"
    c.method = dict(name="rank_n_contrast", temperature=2.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=18, zero_init=False, dtype="bfloat16"),
        projector=dict(name="identity"),
    )
    c.views = presets.rank_n_contrast(224)
    c.clean = presets.evaluate(224, stats=presets.HALF)
    c.probe = False
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="cosine", peak=0.5, end=5e-4)
    return c
