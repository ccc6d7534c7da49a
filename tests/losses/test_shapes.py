"""A loss refuses arrays whose shapes it would broadcast: the value would be a number, and a wrong one."""

import jax.numpy as jnp
import pytest

from ssl_jax.losses import clustering, contrastive, distillation, margins, reconstruction, redundancy

ROWS, COLUMN, PAIRS = jnp.ones((4, 3)), jnp.ones((4, 1)), jnp.ones((4, 2, 3))
WRONG = {
    "nt_xent of one view without its axis": lambda: contrastive.nt_xent(ROWS, 0.1),
    "info_nce with one key for all": lambda: contrastive.info_nce(ROWS, ROWS[:1], ROWS, 0.1),
    "decoupled of one view without its axis": lambda: contrastive.decoupled(ROWS, 0.1),
    "supcon with a label's axis": lambda: contrastive.supcon(PAIRS, jnp.zeros((4, 1), int), 0.1),
    "in_batch with one key for all": lambda: contrastive.in_batch(ROWS, ROWS[:1], 0.1),
    "noise_contrastive of one row": lambda: contrastive.noise_contrastive(ROWS[0], 0.0, 9),
    "hadsell of rows": lambda: margins.hadsell(ROWS, 1.0),
    "triplet with one negative for all": lambda: margins.triplet(ROWS, ROWS, ROWS[:1], 1.0),
    "paired of 4 and 1": lambda: contrastive.paired(ROWS, ROWS[:1], 1.0),
    "barlow of views": lambda: redundancy.barlow(PAIRS, PAIRS),
    "vicreg of 4 and 1": lambda: redundancy.vicreg(ROWS, ROWS[:1]),
    "feature_contrast of rows": lambda: redundancy.feature_contrast(ROWS, ROWS, pairs=((0, 0),)),
    "spread of views": lambda: redundancy.spread(PAIRS),
    "shared of views": lambda: redundancy.shared(PAIRS),
    "cosine of a feature": lambda: distillation.cosine(ROWS, COLUMN),
    "cross_entropy of a feature": lambda: distillation.cross_entropy(ROWS, COLUMN),
    "hidden_cross_entropy with one mask for all": lambda: distillation.hidden_cross_entropy(
        PAIRS, PAIRS, jnp.ones((1, 2), bool)
    ),
    "softened of a feature": lambda: distillation.softened(ROWS, COLUMN, 1.0),
    "squared of 4 and 1": lambda: distillation.squared(ROWS, ROWS[:1]),
    "across_views without views": lambda: distillation.across_views(ROWS, ROWS),
    "masked_mean of a row": lambda: reconstruction.masked_mean(ROWS, jnp.ones((4, 1), bool)),
    "squared patches of 4 and 1": lambda: reconstruction.squared(PAIRS, PAIRS[:1]),
    "labeled with a label's axis": lambda: clustering.labeled(ROWS, jnp.zeros((4, 1), int)),
    "concentrations of columns": lambda: clustering.concentrations(
        COLUMN, jnp.zeros((4, 1), int), clusters=2, temperature=0.1
    ),
    "local_aggregation with one neighbor's mark": lambda: clustering.local_aggregation(ROWS, COLUMN > 0),
    "evenly with a label's axis": lambda: clustering.evenly(jnp.zeros((4, 1), int), clusters=2),
    "kmeans_step with one row's validity": lambda: clustering.kmeans_step(ROWS, jnp.ones(1, bool), ROWS),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_shapes_that_would_broadcast_are_refused(call):
    with pytest.raises(AssertionError):
        call()
