"""Pictures of what features hold to be alike, for data without labels: neighbors.png and clusters.png."""

import numpy as np
from etils import epath

from ssl_jax.data import stream
from ssl_jax.data.sources import Source, subset
from ssl_jax.reporting import pictures
from ssl_jax.run import label_free
from ssl_jax.run.job import Job
from ssl_jax.run.label_free import Seen
from ssl_jax.views.compose import PIXELS

QUERIES, NEAREST = 8, 7
"""Rows of neighbors.png, and neighbors in each."""
CLUSTERS, MEMBERS = 10, 10
"""Rows of clusters.png, and examples in each."""


def drawable(job: Job) -> bool:
    """Whether examples can be shown."""
    return any(view.of in PIXELS for view in job.clean.views)


def draw(job: Job, features: Seen, folder: epath.Path) -> list[str]:
    """Writes both pictures, and gives their names."""
    queries, nearest = label_free.neighborhoods(features, queries=QUERIES, nearest=NEAREST)
    rows = {"example": queries[:, None], "alike": nearest}
    title = "Neighbors: what the encoder holds to be alike"
    pictures.contact_sheet(_shown(job, features.source, rows), folder / "neighbors.png", title=title)
    members = label_free.clusters(features, most=CLUSTERS, shown=MEMBERS)
    width = max(map(len, members))
    filled = np.stack([np.pad(row, (0, width - len(row)), constant_values=-1) for row in members])
    title = "Clusters: a row each, the largest first, its center to the left"
    pictures.contact_sheet(_shown(job, features.source, {"nearest": filled}), folder / "clusters.png", title=title)
    return ["neighbors.png", "clusters.png"]


def _shown(job: Job, source: Source, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """{name: int [b, v] examples} -> {name: [b, v, h, w, c]} as evaluation sees them; white where the index is -1."""
    group = next(view.group for view in job.clean.views if view.of in PIXELS)
    wanted = np.unique(np.concatenate([index.ravel() for index in rows.values()]))
    wanted = wanted[wanted >= 0]
    batches = stream.sequential(subset(source, wanted), job.clean.host, batch=min(len(wanted), 32))
    found = np.concatenate([batch[group][batch["mask"]] for batch in batches])
    found = pictures.storyboard(found) if found.ndim == 6 else found
    blank = np.full_like(found[:1], np.iinfo(found.dtype).max)
    every = np.concatenate([found, blank])[:, 0]
    return {
        name: every[np.where(index < 0, len(wanted), np.searchsorted(wanted, index))] for name, index in rows.items()
    }
