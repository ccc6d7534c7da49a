"""SimCLR on a folder of your own images of twelve bands, such as Sentinel-2's, TIFF or .npy of 8 or 16 bits.

    ssl-jax data check folder:DIR
    ssl-jax train --config=simclr_satellite12 --workdir=W --config.data.train=folder:DIR

The means and deviations of the bands, in 0..1 of what the bits can hold, are what `data check` prints as "stats": in a
copy of this file they stand in the place of `STATS`, which are round numbers for reflectances that are stored times
10,000. For another number of bands, STATS of that length are all there is to change. TIFF needs tifffile: pip install
"ssl_jax[tiff]". With folders for classes, add --config.probe=True and --config.data.test=folder:OTHER for a table.
Origin: `simclr_imagenet_r50`, with a ResNet-18 at 64 pixels and AdamW, which suits small sets. Of the colors there is
what has a meaning for bands: brightness and contrast, of all bands alike; no saturation, hue or gray.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

STATS = dict(mean=(0.03,) * 12, std=(0.02,) * 12)


def get_config() -> ConfigDict:
    """100 epochs of batches of 128 images; raise the batch with the set."""
    c = ConfigDict()
    c.data = dict(train="folder:satellite")
    c.batch = 128
    c.duration = "100 epochs"
    c.method = dict(name="simclr", temperature=0.2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=18, stem="half"),
        projector=dict(name="mlp", widths=(512, 128)),
    )
    c.views = presets.simclr(64, strength=0.5, blur=False, scale=(0.2, 1.0), stats=STATS)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="5 %")
    c.probe = False
    return c
