"""What columns and rows of tables are called."""

import re

from ssl_jax.evals import suite
from ssl_jax.probes import recipes
from ssl_jax.run import fine_tuning, label_free, matching

TITLES = {
    "knn": "kNN",
    "linear": "linear probe",
    "classifier": "its own classes",
    "centroid": "nearest class mean",
    "clusters": "clusters, matched",
    "retrieval": "retrieval, mAP",
    "probe": "online probe",
    "frames": "frames",
    "order": "order of frames",
    "arrow": "arrow of time",
    "patch_pixels": "pixels of the patch",
    "foreground_iou": "foreground IoU",
    "mean_image": "mean image",
    "principal_components": "PCA, same size",
    "squared_error": "squared error",
    "explained": "explained, %",
    "miou": "mean IoU",
    "zero_shot": "zero-shot, by class names",
    "svm": "SVM, mAP",
    "one_vs_rest": "one-vs-rest, mAP (11 points)",
    "raw_pixels": "raw pixels",
    "d2_histogram": "D2 histogram",
    "random_init": "random init",
    "pretrained": "pre-trained",
    "chance": "chance",
    "raw_series": "readings",
    "spectra": "spectra",
    "training_mean": "training mean",
    "regression": "regression",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R\u00b2",
    "spearman": "Spearman",
    label_free.CONSISTENCY: "other view found, %",
    "effective_rank": "effective rank (RankMe)",
    "alpha": "alpha of the spectrum",
    "std": "std of the unit embedding",
    "uniformity": "uniformity",
    **{name: name.replace("_", " ").replace("@", ", recall at ") for name in matching.NAMES},
}
COUNTED = {
    r"few_shot_(\d+)": "{} labels a class",
    r"ridge_(\d+)": "ridge, {} labels a class",
    r"share_(\d+)": "{} % of the labels",
    r"episodes_(\d+)_(\d+)": "{} classes, {} shots",
    r"svm_(\d+)": "SVM, {} labels a class, mAP",
}
"""Of protocols with numbers behind their names."""


def of(name: str) -> str:
    """The title of a protocol, an encoder or a measure."""
    for pattern, title in COUNTED.items():
        if found := re.fullmatch(pattern, name):
            return title.format(*found.groups())
    for kind in (recipes, fine_tuning):
        if kind.known(name):
            return kind.title(name)
    return TITLES[name]


def of_share(key: str) -> str:
    """The title of a number of the log that is a share of examples, as "kNN" of "eval/knn"; "" of any other."""
    prefix, _, name = key.partition("/")
    shares = prefix == "eval" and (suite.known(name) or name in (*matching.NAMES, "probe"))
    return of(name) if shares else ""
