"""The formats of `ssl-jax export`: how each is written, for which networks, and what reads it back to check it.

Torch formats are of the same weights under other names. A reader (readers/) runs in a process of its own and needs
nothing of what wrote the file; `describe` tells it which model to make.
"""

import importlib
import json
import pathlib
import pickle
from collections.abc import Callable
from typing import NamedTuple

from safetensors.numpy import save_file

from ssl_jax import __version__
from ssl_jax.checks import spelling
from ssl_jax.exporting import geometry, layouts, names, weights
from ssl_jax.features.encoder import Encoder
from ssl_jax.nets import resnet, swin, vit


class Format(NamedTuple):
    """write: (encoder, path) -> None, of a file or a directory. reader: its script in readers/.

    describe: (encoder) -> JSON that the reader makes the model from; raises ValueError where the library has no such
    network. ours: the reader takes what this library depends on anyhow, and so runs by the same Python.
    suffixes: what a path may end with; none for a directory.
    """

    write: Callable[[Encoder, pathlib.Path], None]
    reader: str
    describe: Callable[[Encoder], dict] = lambda encoder: {}
    ours: bool = False
    suffixes: tuple[str, ...] = ()


def own(encoder: Encoder, path: pathlib.Path) -> None:
    """This library's names, .npz or .safetensors."""
    weights.write(path, names.flat(encoder.params, encoder.stats), geometry.about(encoder))


def safetensors(encoder: Encoder, path: pathlib.Path, layout: names.Layout) -> None:
    """A safetensors file for torch."""
    said = {"format": "pt", "ssl_jax": __version__, "recipe": encoder.digest}
    save_file(geometry.weights(encoder, layout), path, metadata=said)


def torch(library: str) -> Callable[[Encoder, pathlib.Path], None]:
    """A writer of safetensors by a library's names."""

    def write(encoder: Encoder, path: pathlib.Path) -> None:
        safetensors(encoder, path, layouts.LAYOUTS[library, encoder.spec["name"]])

    return write


def detectron2(encoder: Encoder, path: pathlib.Path) -> None:
    """The pickle of arrays that detectron2 loads with matching_heuristics."""
    arrays = geometry.weights(encoder, layouts.RESNET_DETECTRON2)
    with path.open("wb") as file:
        said = {"__author__": "ssl_jax", "matching_heuristics": True}
        pickle.dump({"model": arrays, **said}, file, protocol=5)  # from 5 on, arrays are not copied on their way


def huggingface(encoder: Encoder, path: pathlib.Path) -> None:
    """A directory for `AutoModel.from_pretrained`: config.json, preprocessor_config.json, model.safetensors."""
    model, (size, _, channels) = hf_model(encoder), geometry.shape(encoder)
    mean, std = geometry.normalization(encoder.config)
    path.mkdir()
    safetensors(encoder, path / "model.safetensors", layouts.HF[model["model_type"]])
    (path / "config.json").write_text(json.dumps(model, indent=2) + "\n")
    processor = dict(
        image_processor_type="ViTImageProcessor",
        do_resize=True,
        size=dict(height=size, width=size),
        do_rescale=True,
        rescale_factor=1 / 255,
        do_normalize=True,
        image_mean=mean * (channels // len(mean)),
        image_std=std * (channels // len(std)),
    )
    (path / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")


def net(encoder: Encoder, name: str, library: str) -> dict:
    """The recipe's encoder. Raises ValueError where it is not the network that the library has."""
    spec = encoder.spec
    if spec["name"] != name:
        raise ValueError(f"{library} is for the network '{name}', and the recipe's encoder is '{spec['name']}'")
    return spec


def with_cls(encoder: Encoder, library: str) -> dict:
    """The recipe's vision transformer. Raises ValueError where it is none, has no cls token or relative positions."""
    spec = net(encoder, "vit", library)
    if spec["positions"] == "relative":
        raise ValueError(
            f"the recipe's vision transformer has relative positions, and {library}'s adds positions to its patches; "
            "--to=safetensors keeps our names"
        )
    if not spec["cls_token"]:
        raise ValueError(
            f"the recipe's vision transformer has no cls token, which {library} wants; --to=safetensors keeps our names"
        )
    return spec


def torchvision_model(encoder: Encoder) -> dict:
    """What torchvision.models makes of it."""
    spec = net(encoder, "resnet", "torchvision")
    depth = spec["depth"]
    blocks = (resnet.BASIC | resnet.BOTTLENECK).get(depth) if isinstance(depth, int) else tuple(depth)
    if len(blocks) != 4 or spec["base"] * spec["width"] != 64:
        raise ValueError(
            "torchvision's and timm's ResNets have four stages and start with 64 channels; this one has "
            f"{len(blocks)} and {spec['base'] * spec['width']}: --to=safetensors keeps our names and any network"
        )
    found = dict(kind="resnet", blocks=blocks, bottleneck=depth in resnet.BOTTLENECK)
    return found | dict(channels=geometry.shape(encoder)[2], stem=resnet.STEMS[spec["stem"]])


def detectron2_model(encoder: Encoder) -> dict:
    """What detectron2 makes of it: torchvision's ResNets of the usual depths, with their stem alone."""
    model, spec = torchvision_model(encoder), encoder.spec
    if spec["depth"] not in (18, 34, 50, 101, 152) or spec["stem"] != "imagenet":
        raise ValueError(
            "detectron2's ResNets have depth 18, 34, 50, 101 or 152 and the stem 'imagenet'; this one has depth "
            f"{spec['depth']} and the stem '{spec['stem']}': --to=torchvision takes it"
        )
    return model | dict(kind="detectron2")


def timm_vit(encoder: Encoder) -> dict:
    """The arguments of timm's VisionTransformer."""
    spec, (size, _, channels) = with_cls(encoder, "timm"), geometry.shape(encoder)
    width, layers, heads, patch = vit.sizes(spec["variant"])
    arguments = dict(img_size=size, patch_size=patch, in_chans=channels, embed_dim=width, depth=layers, num_heads=heads)
    arguments |= dict(num_classes=0, reg_tokens=spec["registers"], init_values=spec["layer_scale"])
    arguments |= dict(pre_norm=spec["input_norm"], act_layer=spec["activation"])
    pool = dict(global_pool="token") if spec["pool"] == "cls" else dict(global_pool="avg", fc_norm=False)
    return dict(kind="vit", arguments=arguments | pool, eps=spec["eps"])


def timm_swin(encoder: Encoder) -> dict:
    """The arguments of timm's SwinTransformer."""
    spec, (size, _, channels) = encoder.spec, geometry.shape(encoder)
    width, depths, heads = swin.sizes(spec["variant"])
    arguments = dict(img_size=size, patch_size=spec["patch"], in_chans=channels, embed_dim=width, depths=depths)
    arguments |= dict(num_heads=heads, window_size=spec["window"], num_classes=0)
    return dict(kind="swin", arguments=arguments, eps=spec["eps"])


def timm_model(encoder: Encoder) -> dict:
    """What timm makes of it: its ResNets have torchvision's names."""
    name = encoder.spec["name"]
    makers = {
        "vit": timm_vit,
        "swin": timm_swin,
        "resnet": lambda encoder: torchvision_model(encoder) | dict(kind="timm_resnet"),
    }
    if name not in makers:
        raise ValueError(spelling.unknown(name, makers, "the networks that timm can take"))
    return makers[name](encoder)


def hf_model(encoder: Encoder) -> dict:
    """transformers' config.json: CLIP's tower for a norm before the blocks, Dinov2 for layer scale or
    registers, ViTMAE for MAE, else ViT."""
    spec, (size, _, channels) = with_cls(encoder, "transformers"), geometry.shape(encoder)
    width, layers, heads, patch = vit.sizes(spec["variant"])
    config = dict(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, image_size=size)
    config |= dict(patch_size=patch, num_channels=channels, layer_norm_eps=spec["eps"], qkv_bias=True)
    config |= dict(hidden_act=spec["activation"])
    config |= dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, torch_dtype="float32")
    dinov2 = spec["registers"] or spec["layer_scale"] is not None
    if spec["input_norm"]:
        if dinov2:
            raise ValueError("transformers has no network with input_norm and registers or layer_scale: --to=timm has")
        kind, architecture, own = "clip_vision_model", "CLIPVisionModel", dict(intermediate_size=4 * width)
    elif dinov2:
        kind, extra = ("dinov2_with_registers", spec["registers"]) if spec["registers"] else ("dinov2", None)
        own = dict(mlp_ratio=4, layerscale_value=spec["layer_scale"] or 1.0)
        own |= dict(num_register_tokens=extra) if extra else {}
        architecture = "Dinov2WithRegistersModel" if extra else "Dinov2Model"
    else:
        own, mae = dict(intermediate_size=4 * width), encoder.config["method"]["name"] == "mae"
        kind, architecture = ("vit_mae", "ViTMAEModel") if mae else ("vit", "ViTModel")
        own |= dict(mask_ratio=0.0, norm_pix_loss=True) if mae else {}
    return dict(model_type=kind, architectures=[architecture], **config, **own)


def graph(function: str) -> Callable[[Encoder, pathlib.Path], None]:
    """A writer in a module of its own, imported when it is called."""

    def write(encoder: Encoder, path: pathlib.Path) -> None:
        module, name = function.rsplit(".", 1)
        getattr(importlib.import_module(f"ssl_jax.exporting.{module}"), name)(encoder, path)

    return write


FORMATS = {
    "npz": Format(own, "own", ours=True, suffixes=(".npz",)),
    "safetensors": Format(own, "own", ours=True, suffixes=(".safetensors",)),
    "torchvision": Format(torch("torchvision"), "torch_models", torchvision_model, suffixes=(".safetensors",)),
    "timm": Format(torch("timm"), "torch_models", timm_model, suffixes=(".safetensors",)),
    "detectron2": Format(detectron2, "torch_models", detectron2_model, suffixes=(".pkl",)),
    "huggingface": Format(huggingface, "huggingface", hf_model),
    "stablehlo": Format(graph("graphs.stablehlo"), "graphs", lambda e: dict(kind="stablehlo"), ours=True),
    "savedmodel": Format(graph("saved_model.saved_model"), "graphs", lambda e: dict(kind="savedmodel"), ours=True),
    "onnx": Format(graph("onnx_file.onnx"), "graphs", lambda e: dict(kind="onnx")),
}
