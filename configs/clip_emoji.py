"""CLIP on emoji and their names, small: learns in minutes on two CPU cores.

    ssl-jax train --config=clip_emoji --workdir=W \
        --config.data.train='wds:DIR/train-*.tar#category' --config.data.test='wds:DIR/test-*.tar#category'

The data: WebDataset shards of 64-pixel drawings (KEY.png), names (KEY.txt) and categories (KEY.json), two drawings of
each emoji, one by Noto and one by Twemoji; the emoji of the test set are in no training pair.
Origin: arXiv:2103.00020, ViT-B/32 (appendix F): AdamW, betas 0.9 and 0.98, epsilon 1e-6, decay 0.2, cosine.
Changed: 3,050 pairs, 40 epochs in batches of 128, 2e-3; a ViT of three layers of 96 on 6 x 6 patches of 8 pixels, a
text transformer of two layers on 12 tokens of a vocabulary of 1,024 that is learned from the captions; stronger crops,
since there are so few images. Transparency is a fourth channel, without which black drawings on nothing are black.
Two drawings have one name, so that in a batch of 128 about 5 pairs are told apart that cannot be; the paper's loss has
no word for it, and neither has this.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

EMOJI = dict(mean=(0.5,) * 4, std=(0.4,) * 4)


def get_config() -> ConfigDict:
    """954 steps of 128 pairs."""
    c = ConfigDict()
    c.data = dict(
        train="wds:emoji/train-*.tar#category",
        test="wds:emoji/test-*.tar#category",
        channels=4,
    )
    c.batch = 128
    c.duration = "40 epochs"
    c.method = dict(name="clip")
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 8), pool="mean", drop_path=0.1, init_std=0.02),
        projector=dict(name="linear", out=96, bias=False),
        text_encoder=dict(name="text_transformer", vocabulary=1024, length=12, width=96, layers=2, heads=4),
        text_projector=dict(name="linear", out=96, bias=False),
    )
    texts = dict(tokens=12, vocabulary=1024, stats=EMOJI)
    c.views = presets.clip(48, scale=(0.5, 1.0), **texts)
    c.clean = presets.clip_clean(48, **texts)
    c.optimizer = dict(name="adamw", weight_decay=0.2, b1=0.9, b2=0.98, eps=1e-6)
    c.lr = dict(kind="cosine", peak=2e-3, warmup="4 epochs")
    c.evaluation = dict(every="50 %")
    return c
