"""The lines of a model card that use an export: to be pasted as they are, `images` in, `features` out."""

from ssl_jax.exporting import geometry
from ssl_jax.features.encoder import Encoder

OWN = 'import ssl_jax\n\nfeatures = ssl_jax.load("{name}").embed(images)["pool"]  # images: uint8 [h, w, c] of any size'
GRAPHS = {
    "stablehlo": """import jax
from safetensors.numpy import load_file

weights = load_file("{name}/weights.safetensors")
graph = jax.export.deserialize(bytearray(open("{name}/graph.stablehlo", "rb").read()))
features = graph.call(weights, images)["pool"]""",
    "savedmodel": 'import tensorflow as tf\n\nfeatures = tf.saved_model.load("{name}")(images)["pool"]',
    "onnx": """import onnxruntime

session = onnxruntime.InferenceSession("{name}/model.onnx")
(features,) = session.run(["pool"], {{"images": images}})""",
}
TORCH = """import torch
from safetensors.torch import load_file
{model}
model.load_state_dict(load_file("{name}"), strict=True)
features = model.eval()(images)  # float32 [b, c, h, w], normalized"""
TIMM = {"vit": ("vision_transformer", "VisionTransformer"), "swin": ("swin_transformer", "SwinTransformer")}
"""Where timm has its transformers."""
DETECTRON2 = """MODEL:
  WEIGHTS: {name}
  PIXEL_MEAN: {mean}
  PIXEL_STD: {std}
  RESNETS: {resnets}
INPUT:
  FORMAT: RGB"""


def code(encoder: Encoder, to: str, model: dict, name: str) -> tuple[str, str]:
    """(language, lines) for the export of this name in the format `to`; model: as the format describes it."""
    if to == "detectron2":
        return "yaml", detectron2(encoder, model, name)
    if to == "huggingface":
        return "python", huggingface(encoder, model, name)
    if to in ("torchvision", "timm"):
        made = timm_transformer(**model) if model["kind"] in TIMM else resnet(to, **model)
        return "python", TORCH.format(model=made, name=name)
    return "python", GRAPHS.get(to, OWN).format(name=name)


def resnet(library: str, kind: str, blocks: tuple, bottleneck: bool, channels: int, stem: tuple) -> str:
    """torchvision's or timm's ResNet, with the stem that it has."""
    block, (size, stride, pool) = "Bottleneck" if bottleneck else "BasicBlock", stem
    module = {"torchvision": "torchvision.models", "timm": "timm.models"}[library]
    lines = [f"from {module} import resnet", "", f"model = resnet.ResNet(resnet.{block}, {list(blocks)})"]
    if (channels, size) != (3, 7):
        lines.append(f"model.conv1 = torch.nn.Conv2d({channels}, 64, {size}, {stride}, {size // 2}, bias=False)")
    if not pool:
        lines.append("model.maxpool = torch.nn.Identity()")
    return "\n".join([*lines, "model.fc = torch.nn.Identity()"])


def timm_transformer(kind: str, arguments: dict, eps: float) -> str:
    """timm's VisionTransformer or SwinTransformer."""
    given, (module, name) = ", ".join(f"{key}={value!r}" for key, value in arguments.items()), TIMM[kind]
    return (
        f"from timm.models.{module} import {name}\n\n"
        f"norm = lambda *args, **more: torch.nn.LayerNorm(*args, eps={eps!r}, **more)\n"
        f"model = {name}({given}, norm_layer=norm)"
    )


def huggingface(encoder: Encoder, model: dict, name: str) -> str:
    """transformers' model, and which of its outputs is the feature."""
    kind, patches = model["model_type"], (model["image_size"] // model["patch_size"]) ** 2
    mean = encoder.spec["pool"] == "mean"
    given = f'"{name}", add_pooling_layer=False' if kind == "vit" else f'"{name}"'
    lines = ["from transformers import AutoModel", "", f"model = AutoModel.from_pretrained({given}).eval()"]
    call = "model(images)"
    if kind == "vit_mae":  # rising noise leaves the patches in their places
        lines.insert(0, "import torch")
        lines.append(f"noise = torch.arange({patches})[None].repeat(len(images), 1)")
        call = "model(images, noise=noise)"
    tokens = f"{call}.last_hidden_state"
    if kind == "clip_vision_model" and mean:  # which normalizes the cls token alone
        tokens = f'getattr(model, "vision_model", model).post_layernorm({tokens})'
    pooled = f"{tokens}[:, -{patches}:].mean(1)" if mean else f"{tokens}[:, 0]"
    if kind == "clip_vision_model" and not mean:
        pooled = f"{call}.pooler_output"
    return "\n".join([*lines, f"features = {pooled}  # images: float32 [b, c, h, w], normalized"])


def detectron2(encoder: Encoder, model: dict, name: str) -> str:
    """What a detectron2 configuration has to say beside the weights: its own models want other pixels and strides."""
    given = (values * (model["channels"] // len(values)) for values in geometry.normalization(encoder.config))
    mean, std = ([round(255 * v, 3) for v in values] for values in given)
    resnets = f"{{DEPTH: {encoder.spec['depth']}, STRIDE_IN_1X1: False"
    resnets += "}" if model["bottleneck"] else ", RES2_OUT_CHANNELS: 64}"
    return DETECTRON2.format(name=name, mean=mean, std=std, resnets=resnets)
