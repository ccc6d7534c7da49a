"""DeepCluster (v1), ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=deepcluster_v1_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 46.9 % linear top-1 (MMSelfSup's deepcluster-sobel_resnet50_8xb64-steplr-200e_in1k). The paper
(arXiv:1807.05520, table 1) has an AlexNet, 39.8 % for its best layer.
10,000 clusters of 256 whitened components, of center crops before each epoch, images as often as their cluster is rare,
the last layer anew and without momentum, Sobel's gradients in place of colors, a constant rate, decay 1e-5: the paper
and its code. Batch 512, rate 0.1, no layers between encoder and last layer, jitter: MMSelfSup.
Differs: an image has a weight where the codes draw it more or less often; MMSelfSup also turns images by up to 2
degrees; k-means puts a far row into an empty cluster, where faiss halves a large one; bfloat16 in the network.
`groups=8` is the batch norm of 8 GPUs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs at MMSelfSup."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 512
    c.duration = "200 epochs"
    c.method = dict(name="deepcluster_v1", clusters=10000, components=256, iterations=20)
    c.nets = dict(
        encoder=dict(name="sobel_resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="identity"),
    )
    c.views = presets.deepcluster(224)
    last = dict(match="^criterion/", momentum=0.0)
    c.optimizer = dict(name="sgd", momentum=0.9, weight_decay=1e-5, decay_1d=True, groups=(last,))
    c.lr = dict(kind="constant", peak=0.1, per=512)
    return c
