"""Sets of tensorflow_datasets: the real ones beside the project, and small ones that a test writes."""

from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

TFDS = Path(__file__).parents[2] / "shared" / "data" / "tfds"
real = pytest.mark.skipif(not TFDS.exists(), reason="needs ../shared/data/tfds")


def store(folder, features, rows, form):
    """The set `little`, in the order of the rows, in the file format `form`."""
    features = tfds.features.FeaturesDict(features)
    split = tf.data.Dataset.from_generator(lambda: rows, output_signature=features.get_tensor_spec())
    tfds.dataset_builders.store_as_tfds_dataset(
        name="little",
        version="1.0.0",
        features=features,
        split_datasets={"train": split},
        data_dir=str(folder),
        file_format=form,
        disable_shuffling=True,
    )
    return str(folder)
