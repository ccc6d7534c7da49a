"""Point-MAE on ShapeNet-55, 300 epochs.

    ssl-jax train --config=point_mae_shapenet55 --workdir=W --config.data.train='folder:DIR?split=train'

The data: meshes in ModelNet's layout, DIR/CLASS/{train,test}/ with files .off, .obj, .ply or .stl and no images beside
them (all but .off need trimesh, the extra ssl_jax[meshes]); ShapeNet-55's lists say which model is in which split.
Paper: 93.8 % on ModelNet40 with 1,024 points and 85.18 % on ScanObjectNN's hardest split after fine-tuning
(arXiv:2203.06604, tables 1 and 2).
Patches, networks, ratio, AdamW, rate, decay, warm-up, cosine, batch, drop path, augmentation: the code's pretrain.yaml
and runner. Vectors and the mask token are not decayed, as there.
Differs: points are drawn from the surface anew each time, there from 8,192 that were drawn once; batch norm sees
the patches that are seen; queries, keys and values have biases; the warm-up and the cosine begin and end at 0, there
at 1e-6.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """41,952 models for training in the paper."""
    c = ConfigDict()
    c.data = dict(train="folder:ShapeNet55?split=train", test="folder:ShapeNet55?split=test")
    c.batch = 128
    c.duration = "300 epochs"
    c.method = dict(name="point_mae", mask_ratio=0.6)
    size = dict(points=32, width=384, heads=6, drop_path=0.1)
    c.nets = dict(
        encoder=dict(name="point_transformer", patches=64, layers=12, **size),
        decoder=dict(name="point_decoder", layers=4, **size),
    )
    c.views = presets.points(1024)
    c.clean = presets.evaluate_points(1024)
    undecayed = dict(match="mask_token", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, groups=(undecayed,))
    c.lr = dict(kind="cosine", peak=1e-3, warmup="10 epochs")
    return c
