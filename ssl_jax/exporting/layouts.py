"""The names of torchvision, timm, detectron2 and transformers. Facts of their state dicts; tests load them there."""

import math
import re

import numpy as np

from ssl_jax.exporting.names import Flat, Layout

TORCH = ((r"/(kernel|scale)$", "/weight"), (r"/mean$", "/running_mean"), (r"/var$", "/running_var"))
RESNET = (
    (r"^stem/conv/", "conv1/"),
    (r"^stem/norm/", "bn1/"),
    (r"^stage(\d+)/block(\d+)/", r"layer\1/\2/"),
    (r"/norm(\d)/", r"/bn\1/"),
    (r"/shortcut_conv/", "/downsample/0/"),
    (r"/shortcut_norm/", "/downsample/1/"),
)
DETECTRON2 = (
    (r"^stem/conv/", "stem/conv1/"),
    (r"^stem/norm/", "stem/conv1/norm/"),
    *((rf"^stage{i}/block(\d+)/", rf"res{i + 1}/\1/") for i in range(1, 5)),
    (r"/norm(\d)/", r"/conv\1/norm/"),
    (r"/shortcut_conv/", "/shortcut/"),
    (r"/shortcut_norm/", "/shortcut/norm/"),
)
TIMM_SWIN = ((r"^patch_embed/", "patch_embed/proj/"), (r"^patch_norm/", "patch_embed/norm/"))
TABLE = "attn/relative_position_bias_table"
TIMM_VIT = ((r"^patch_embed/", "patch_embed/proj/"), (r"^registers$", "reg_token"))
CLIP = (
    (r"^patch_embed/", "embeddings/patch_embedding/"),
    (r"^cls_token$", "embeddings/class_embedding"),
    (r"^pos_embed$", "embeddings/position_embedding/weight"),
    (r"^norm_pre/", "pre_layrnorm/"),
    (r"^norm/", "post_layernorm/"),
    (r"^blocks/", "encoder/layers/"),
    (r"/norm(\d)/", r"/layer_norm\1/"),
    (r"/attn/proj/", "/self_attn/out_proj/"),
)
HF_FRONT = (
    (r"^patch_embed/", "embeddings/patch_embeddings/projection/"),
    (r"^cls_token$", "embeddings/cls_token"),
    (r"^pos_embed$", "embeddings/position_embeddings"),
    (r"^registers$", "embeddings/register_tokens"),
    (r"^norm/", "layernorm/"),
    (r"^blocks/", "encoder/layer/"),
    (r"/attn/proj/", "/attention/output/dense/"),
)
HF_VIT = (
    (r"/norm1/", "/layernorm_before/"),
    (r"/norm2/", "/layernorm_after/"),
    (r"/mlp/fc1/", "/intermediate/dense/"),
    (r"/mlp/fc2/", "/output/dense/"),
)
HF_DINOV2 = ((r"/ls(\d)/gamma$", r"/layer_scale\1/lambda1"),)
GAINS = ("ls1/gamma", "ls2/gamma")
QKV = (r"/attn/qkv/", tuple(f"/attention/attention/{part}/" for part in ("query", "key", "value")))
CLIP_QKV = (r"/attn/qkv/", tuple(f"/self_attn/{part}_proj/" for part in "qkv"))


def batches_tracked(theirs: Flat) -> Flat:
    """torch's count of batches beside every running mean: of no use with a fixed momentum."""
    means = [name for name in theirs if name.endswith(".running_mean")]
    return {name.replace("running_mean", "num_batches_tracked"): np.zeros((), np.int64) for name in means}


def positioned(own: Flat, fixed: np.ndarray | None) -> Flat:
    """One array of positions for cls and patches, where the network has fixed ones too."""
    if "pos_embed" in own:
        return own
    front = np.zeros((int("cls_token" in own), fixed.shape[1]))
    return {**own, "pos_embed": np.concatenate([front, fixed])[None].astype(np.float32)}


def unbiased(own: Flat) -> Flat:
    """A network with a norm before its blocks has no bias of the patches elsewhere: their positions take it."""
    if "norm_pre/scale" not in own or "patch_embed/bias" not in own:
        return own
    places, n = own["pos_embed"].copy(), int("cls_token" in own)
    places[:, n:] += own["patch_embed/bias"]
    return {name: value for name, value in own.items() if name != "patch_embed/bias"} | {"pos_embed": places}


def biased(own: Flat) -> Flat:
    """The reverse: a bias of zeros."""
    if "norm_pre/scale" not in own:
        return own
    return {**own, "patch_embed/bias": np.zeros_like(own["norm_pre/scale"])}


def tower(own: Flat, fixed: np.ndarray | None) -> Flat:
    """CLIP's image tower: its cls token and positions have no axis for the batch."""
    own = unbiased(positioned(own, fixed))
    return {**own, "cls_token": own["cls_token"][0, 0], "pos_embed": own["pos_embed"][0]}


def untower(own: Flat) -> Flat:
    """The reverse."""
    return biased({**own, "cls_token": own["cls_token"][None, None], "pos_embed": own["pos_embed"][None]})


def positioned_registers(own: Flat, fixed: np.ndarray | None) -> Flat:
    """timm gives positions to the registers too: zeros, after that of cls."""
    own = unbiased(positioned(own, fixed))
    if "registers" not in own:
        return own
    places, n = own["pos_embed"], int("cls_token" in own)
    return {**own, "pos_embed": np.concatenate([places[:, :n], np.zeros_like(own["registers"]), places[:, n:]], 1)}


def unpositioned_registers(own: Flat) -> Flat:
    """The reverse."""
    own = biased(own)
    if "registers" not in own:
        return own
    n, r = int("cls_token" in own), own["registers"].shape[1]
    return {**own, "pos_embed": np.delete(own["pos_embed"], np.s_[n : n + r], 1)}


def scaled(own: Flat, fixed: np.ndarray | None) -> Flat:
    """Dinov2's blocks always have layer scale: ones where the network has none."""
    own = positioned(own, fixed)
    ones = {n.replace("norm1/scale", gain): np.ones_like(own[n]) for n in own for gain in GAINS if "norm1/scale" in n}
    return ones | own


def mask_token(theirs: Flat) -> Flat:
    """Dinov2's token of masked patches, which no encoder uses when it embeds."""
    token = theirs["embeddings.cls_token"]
    return {"embeddings.mask_token": None if token is None else np.zeros_like(token[0])}


def layered(own: Flat, fixed: np.ndarray | None) -> Flat:
    """A swin's layers as timm counts them, one entry a block; biases of distances along one axis."""
    out = {}
    for name, value in own.items():
        if block := re.fullmatch(r"stage(\d+)/blocks/(plain|shifted)/(.+)", name):
            stage, kind, leaf = int(block[1]) - 1, int(block[2] == "shifted"), block[3]
            for pair, one in enumerate(value):
                at = f"layers/{stage}/blocks/{2 * pair + kind}"
                biases = leaf == "relative_bias"
                out[f"{at}/{TABLE if biases else leaf}"] = one.reshape(-1, one.shape[-1]) if biases else one
        elif merge := re.fullmatch(r"merge(\d+)/(.+)", name):
            leaf = "reduction/kernel" if merge[2] == "kernel" else merge[2]
            out[f"layers/{merge[1]}/downsample/{leaf}"] = value
        else:
            out[name] = value
    return out


def unlayered(theirs: Flat) -> Flat:
    """The reverse."""
    out, blocks = {}, {}
    for name, value in theirs.items():
        if block := re.fullmatch(r"layers/(\d+)/blocks/(\d+)/(.+)", name):
            leaf, place, kind = block[3], int(block[2]), "plain" if int(block[2]) % 2 == 0 else "shifted"
            if leaf == TABLE:
                side = math.isqrt(len(value))
                leaf, value = "relative_bias", value.reshape(side, side, -1)
            blocks.setdefault(f"stage{int(block[1]) + 1}/blocks/{kind}/{leaf}", {})[place] = value
        elif merge := re.fullmatch(r"layers/(\d+)/downsample/(.+)", name):
            out[f"merge{merge[1]}/{merge[2].removeprefix('reduction/')}"] = value
        else:
            out[name] = value
    return out | {name: np.stack([found[place] for place in sorted(found)]) for name, found in blocks.items()}


RESNET_TORCH = Layout((*RESNET, *TORCH), constant=batches_tracked)
RESNET_DETECTRON2 = Layout((*DETECTRON2, *TORCH))
VIT_TIMM = Layout((*TIMM_VIT, *TORCH), prepare=positioned_registers, undo=unpositioned_registers)
SWIN_TIMM = Layout((*TIMM_SWIN, *TORCH), prepare=layered, undo=unlayered)
VIT_HF = Layout((*HF_FRONT, *HF_VIT, *TORCH), split=QKV, prepare=positioned)
DINOV2_HF = Layout((*HF_FRONT, *HF_DINOV2, *TORCH), split=QKV, prepare=scaled, constant=mask_token)
CLIP_HF = Layout((*CLIP, *TORCH), split=CLIP_QKV, prepare=tower, undo=untower, inside="vision_model.")
LAYOUTS = {
    ("torchvision", "resnet"): RESNET_TORCH,
    ("timm", "resnet"): RESNET_TORCH,
    ("timm", "vit"): VIT_TIMM,
    ("timm", "swin"): SWIN_TIMM,
    ("detectron2", "resnet"): RESNET_DETECTRON2,
}
"""By library and network; transformers' go by the type of the model."""
HF = {"vit": VIT_HF, "vit_mae": VIT_HF, "dinov2": DINOV2_HF, "dinov2_with_registers": DINOV2_HF}
HF |= {"clip": CLIP_HF, "clip_vision_model": CLIP_HF}
