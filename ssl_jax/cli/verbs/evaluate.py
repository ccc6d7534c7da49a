"""Evaluate the encoder of a work directory against random init and raw pixels.

  ssl-jax evaluate --workdir=runs/quickstart
  ssl-jax evaluate --workdir=runs/quickstart --protocol=knn,ridge_5,clusters
  ssl-jax evaluate --workdir=runs/quickstart --step=1000 --data=folder:/data/other
  ssl-jax evaluate --workdir=runs/quickstart --all-steps --protocol=knn
  ssl-jax evaluate --workdir=runs/mae --protocol=probe_mae_5_256,fine_tune_10

Writes result.json in the work directory and prints its table. The test set may be another one than the run's, and data
may lie elsewhere than then. Class names decide which label is which: examples of a class that training lacks take no
part, and are counted under "left_out". What cannot be measured is null, with its reason under "not_measured"; what was
chosen is under "details".

Protocols: knn, linear (logistic regression), centroid (nearest class mean), ridge_N and few_shot_N (N labels a class,
by ridge or logistic regression), share_N (N percent of the labels), episodes_N_K (N classes, K examples each), clusters
(k-means against the classes), retrieval (mean average precision), svm and svm_N (a linear SVM a class by VISSL's
protocol, all labels or N a class) and one_vs_rest (a logistic regression a class), both with mean average precision,
which are all that there is where images have several classes each. "every", the default, stands for the usual ones,
"all" for what training ends with. gamma, corruptions and patches (shuffled, so that texture is left and shape is not)
say what a linear probe on clean images still knows of distorted ones, up to 2,000 of them. probe_NAME trains a linear
head on augmented images as a paper does: probe_simclr, moco, moco_v3, moco_v3_resnet, byol, simsiam, swav,
barlow_twins, vicreg, mae, dino, dino_base, dinov2, beit; probe_mae_5 in 5 epochs, probe_mae_5_256 with batches of 256.
fine_tune_N trains the network itself on N percent of the labels, and beside it one from scratch; fine_tune_N_E in E
epochs; fine_tune_grid chooses rate and decay among 56 pairs by a fifth of the training set, as SimCLR does on other
datasets, 20,000 steps each; fine_tune_grid_S_R has S steps, R rates and one decay more. Their runs lie in
WORKDIR/fine_tune and go on where they were stopped. docs/evaluation.md says what each costs.
dense tells foreground from background by the features of single patches, up to 500 images, whose masks are the alpha
channel of their files: the overlap (IoU) with the foreground, beside the pixels of the patches.
reconstruction says what is left of test images by methods that make whole ones of their codes (autoencoders, PCA,
k-means, BigBiGAN), beside as many principal components of training images and their mean.
Of clips: frames says what a linear probe still knows of up to 2,000 test clips that show one frame, shuffled frames or
reversed ones; order and arrow, whether features tell clips from the same ones shuffled, or reversed, without labels.
zero_shot names images by encoders of images and texts: the class whose name, in the prompts of
--config.evaluation.prompts="('a photo of a {}.',)", lies nearest, without any training.
Hyper-parameters are chosen on parts of the training set, and the test set is read once. --all-steps compares the
checkpoints that there are by protocols of features, in steps.json, and says which one measures without labels choose.
Scores of raw pixels and of the random network are kept in ~/.cache/ssl_jax, or where SSL_JAX_CACHE says.
"""

import argparse

from ssl_jax import api
from ssl_jax.cli.verbs import _together
from ssl_jax.shard import processes


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax evaluate`."""
    parser.add_argument("--workdir", required=True, help="the work directory of a run")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    which.add_argument("--all-steps", action="store_true", help="compare all checkpoints that there are")
    parser.add_argument("--protocol", metavar="NAMES", help="with commas between them; every if left out")
    parser.add_argument("--data", metavar="SOURCE", help="another test set than the run's")
    _together.add(parser)


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Evaluates a checkpoint."""
    flags = _together.flags(args)
    asked = {"evaluation.final": args.protocol, "data.test": args.data}
    changes = {"evaluation.final": "every", **changes, **{name: value for name, value in asked.items() if value}}
    with processes.failing_alone():
        if args.all_steps:
            api.compare(args.workdir, changes=changes, flags=flags)
        else:
            api.evaluate(args.workdir, step=args.step, changes=changes, flags=flags)
