r"""Knowledge distillation, ResNet-50 from a DINO ViT-S/16, ImageNet, 300 epochs.

    ssl-jax train --config=dino_imagenet_vits16 --workdir=T --config.data.dir=DIR
    ssl-jax train --config=knowledge_distillation_imagenet_r50 --config.start.teacher=T --workdir=W \
        --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: patient and consistent teaching (arXiv:2106.05237) has 82.8 % top-1 for a ResNet-50 after 1200 epochs, of a
labeled teacher's classes. There is no published number for the features of a teacher without labels.
Batch, decay, clip, warm-up, the same crop for both: that paper's code (its decay of 3e-4 is not multiplied by the rate
of 0.03, which makes 0.01 here). Squared distance of features: arXiv:1412.6550.
Paper and code: the same. Differs: features for classes, no mixup, 300 epochs, a rate of 0.003, which nobody has tuned;
bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """A batch of 4096."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "300 epochs"
    c.method = dict(name="knowledge_distillation", feature_weight=1.0, soft_weight=0.0)
    c.start = dict(teacher="")
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="linear", out=384),
        teacher=dict(
            name="vit", variant="S/16", positions="learned", init_std=0.02, drop_path=0.1, pool="cls", dtype="bfloat16"
        ),
    )
    c.views = presets.linear_probe(224)
    c.optimizer = dict(name="adamw", weight_decay=0.01, clip_global=1.0)
    c.lr = dict(kind="cosine", peak=0.003, warmup="5000 steps")
    return c
