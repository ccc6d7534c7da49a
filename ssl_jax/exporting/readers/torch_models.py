"""Reads weights in torch's names with torchvision or timm, strictly, and embeds images. Needs nothing of ssl_jax.

  python torch_models.py REQUEST.json

The request: "path" of the weights, "model" as formats.py describes it, "inputs", normalized images [b, h, w, c] (.npy),
and "out" for the features (.npz) beside the versions of what read them.
"""

import functools
import json
import pickle
import re
import sys

import numpy as np
import torch


def stemmed(net, channels, stem):
    """The network with the first layers of small images (size, stride, max-pool) or of other channels."""
    size, stride, pool = stem
    if (channels, size) != (3, 7):
        net.conv1 = torch.nn.Conv2d(channels, 64, size, stride, size // 2, bias=False)
    if not pool:
        net.maxpool = torch.nn.Identity()
    return net


def resnet(blocks, bottleneck, channels, stem):
    """torchvision's."""
    import torchvision
    from torchvision.models import resnet as models

    net = models.ResNet(models.Bottleneck if bottleneck else models.BasicBlock, blocks)
    net.fc = torch.nn.Identity()
    return stemmed(net, channels, stem), {"torchvision": torchvision.__version__}


def timm_resnet(blocks, bottleneck, channels, stem):
    """timm's ResNet, which has torchvision's names."""
    import timm
    from timm.models import resnet as models

    block = models.Bottleneck if bottleneck else models.BasicBlock
    return stemmed(models.ResNet(block, blocks, num_classes=0), channels, stem), {"timm": timm.__version__}


def vit(arguments, eps):
    """timm's VisionTransformer."""
    import timm
    from timm.models.vision_transformer import VisionTransformer

    norm = functools.partial(torch.nn.LayerNorm, eps=eps)
    return VisionTransformer(**arguments, norm_layer=norm), {"timm": timm.__version__}


def swin(arguments, eps):
    """timm's SwinTransformer."""
    import timm
    from timm.models.swin_transformer import SwinTransformer

    norm = functools.partial(torch.nn.LayerNorm, eps=eps)
    return SwinTransformer(**arguments, norm_layer=norm), {"timm": timm.__version__}


KINDS = {"resnet": resnet, "detectron2": resnet, "timm_resnet": timm_resnet, "vit": vit, "swin": swin}


def from_detectron2(arrays):
    """detectron2's names of a ResNet -> torchvision's; the reverse of what its converters do."""
    out = {}
    for name, value in arrays.items():
        name = re.sub(r"^res(\d)\.", lambda m: f"layer{int(m[1]) - 1}.", name.removeprefix("stem."))
        name = re.sub(r"shortcut\.norm\.", "downsample.1.", name)
        name = re.sub(r"shortcut\.", "downsample.0.", name)
        out[re.sub(r"conv(\d)\.norm\.", r"bn\1.", name)] = torch.from_numpy(value)
    return out


def load(path):
    """The state dict."""
    if path.endswith(".pkl"):
        with open(path, "rb") as file:
            return from_detectron2(pickle.load(file)["model"])
    from safetensors.torch import load_file

    return load_file(path)


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    model = request["model"]
    kind = model.pop("kind")
    net, versions = KINDS[kind](**model)
    state = load(request["path"])
    if kind == "detectron2":  # its frozen batch norm counts no batches
        state |= {name: value for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")}
    net.load_state_dict(state, strict=True)
    images = torch.from_numpy(np.load(request["inputs"])).permute(0, 3, 1, 2)
    with torch.no_grad():
        features = net.eval()(images).numpy()
    np.savez(request["out"], pool=features, versions=json.dumps({"torch": torch.__version__, **versions}))


if __name__ == "__main__":
    main()
