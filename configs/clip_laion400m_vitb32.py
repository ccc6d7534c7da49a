"""CLIP, ViT-B/32, 400 million pairs, 32 epochs.

    ssl-jax train --config=clip_laion400m_vitb32 --workdir=W --config.data.train='wds:DIR/{00000..41454}.tar'

The data: WebDataset shards in img2dataset's layout. The paper's own pairs are not public; LAION-400M (arXiv:2111.02114)
is of their size. Vocabulary, crop and layout: `ssl-jax data --help`, presets.clip.
Paper: arXiv:2103.00020, appendix F: batch 32,768, 32 epochs, AdamW at 5e-4, decay 0.2 on all but gains and biases,
betas 0.9 and 0.98, epsilon 1e-6, 2,000 steps of warm-up, cosine; temperature 0.07, learned, logits scaled by at most
100; text transformer of 12 layers of 512 on 77 tokens of 49,408.
Fits 256 chips v5e, and 64 with --config.nets.encoder.remat=True --config.nets.text_encoder.remat=True.
ViT-B/16: --config.nets.encoder.variant=B/16, on small chips with --config.chunks.
Differs: bfloat16 (float16 there); the merges are learned from a million of the captions; no test set, since zero-shot
classification by prompts is not measured here.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """390,625 steps."""
    c = ConfigDict()
    c.data = dict(train="wds:laion400m/{00000..41454}.tar", channels=3, bits=8)
    c.batch = 32768
    c.duration = "32 epochs"
    c.method = dict(name="clip", temperature=0.07, scale_limit=100.0)
    tower = dict(activation="quick_gelu", eps=1e-5, init_std=0.02, dtype="bfloat16")
    c.nets = dict(
        encoder=dict(name="vit", variant="B/32", positions="learned", input_norm=True, **tower),
        projector=dict(name="linear", out=512, bias=False),
        text_encoder=dict(name="text_transformer", vocabulary=49408, length=77, width=512, layers=12, heads=8, **tower),
        text_projector=dict(name="linear", out=512, bias=False),
    )
    c.views = presets.clip(224)
    c.clean = presets.clip_clean(224)
    c.probe = False
    c.optimizer = dict(name="adamw", weight_decay=0.2, b1=0.9, b2=0.98, eps=1e-6)
    c.lr = dict(kind="cosine", peak=5e-4, warmup="2000 steps")
    return c
