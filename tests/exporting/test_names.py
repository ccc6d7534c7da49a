"""Names and axes against the published state dicts, both ways, and every array accounted for."""

import jax
import numpy as np
import pytest

from ssl_jax.exporting import geometry, layouts, names
from tests.exporting.drawn import SWIN, drawn

BASIC = dict(nets__encoder__depth="10", nets__encoder__base="8", nets__encoder__stem="imagenet")
VIT = dict(nets__encoder__variant="Ti/16", clean__0__size="32", nets__encoder__image_size="32")


@pytest.fixture(scope="module")
def resnet():
    return drawn("simclr_cifar10", **BASIC)


def own(encoder):
    return names.flat(encoder.params, encoder.stats)


def test_flat_and_nested_are_each_others_reverse(resnet):
    for encoder in (resnet, drawn("dino_imagenet_vits16", **VIT)):
        params, stats = names.nested(own(encoder))
        jax.tree.map(np.testing.assert_array_equal, params, encoder.params)
        jax.tree.map(np.testing.assert_array_equal, stats, encoder.stats)


def test_a_resnet_has_torchvisions_names(resnet):
    found = geometry.weights(resnet, layouts.RESNET_TORCH)
    bn = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    wanted = {"conv1.weight", *(f"bn1.{leaf}" for leaf in bn)}
    for stage in range(1, 5):
        wanted |= {f"layer{stage}.0.conv{i}.weight" for i in (1, 2)}
        wanted |= {f"layer{stage}.0.bn{i}.{leaf}" for i in (1, 2) for leaf in bn}
    for stage in range(2, 5):
        wanted |= {f"layer{stage}.0.downsample.0.weight", *(f"layer{stage}.0.downsample.1.{leaf}" for leaf in bn)}
    assert set(found) == wanted
    kernel = np.asarray(resnet.params["stem"]["conv"]["kernel"])
    assert found["conv1.weight"].shape == (8, 3, 7, 7)
    assert found["conv1.weight"][5, 2, 3, 1] == kernel[3, 1, 2, 5]


def test_a_resnet_has_detectron2s_names(resnet):
    found = geometry.weights(resnet, layouts.RESNET_DETECTRON2)
    for name in ("stem.conv1.weight", "stem.conv1.norm.running_var", "res2.0.conv1.weight", "res5.0.conv2.norm.bias"):
        assert name in found
    assert "res3.0.shortcut.weight" in found and "res3.0.shortcut.norm.weight" in found
    assert len(found) == len(own(resnet))


def test_a_vision_transformer_has_timms_names_and_positions_for_its_registers():
    encoder = drawn("dino_imagenet_vits16", **VIT, nets__encoder__registers="3", nets__encoder__layer_scale="0.5")
    found = geometry.weights(encoder, layouts.VIT_TIMM)
    block = ("norm1.weight", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "ls1.gamma", "norm2.bias")
    assert {f"blocks.11.{name}" for name in (*block, "mlp.fc1.weight", "mlp.fc2.bias", "ls2.gamma")} < set(found)
    assert found["pos_embed"].shape == (1, 1 + 3 + 4, 192) and not found["pos_embed"][:, 1:4].any()
    assert found["reg_token"].shape == (1, 3, 192) and found["blocks.0.attn.qkv.weight"].shape == (576, 192)
    assert found["patch_embed.proj.weight"].shape == (192, 3, 16, 16) and "norm.weight" in found


def test_a_swin_has_timms_names_and_one_entry_for_each_block():
    encoder = drawn("simmim_swin_cifar10", **SWIN)
    found = geometry.weights(encoder, layouts.SWIN_TIMM)
    block = {f"{name}.{leaf}" for name in ("norm1", "norm2", "attn.qkv", "attn.proj") for leaf in ("weight", "bias")}
    block |= {f"mlp.{name}.{leaf}" for name in ("fc1", "fc2") for leaf in ("weight", "bias")}
    block |= {"attn.relative_position_bias_table"}
    wanted = {
        f"{name}.{leaf}" for name in ("patch_embed.proj", "patch_embed.norm", "norm") for leaf in ("weight", "bias")
    }
    wanted |= {f"layers.0.blocks.{i}.{name}" for i in range(2) for name in block}
    wanted |= {f"layers.1.blocks.{i}.{name}" for i in range(4) for name in block}
    wanted |= {f"layers.1.downsample.{name}" for name in ("norm.weight", "norm.bias", "reduction.weight")}
    assert set(found) == wanted
    table = np.asarray(encoder.params["stage2"]["blocks"]["shifted"]["relative_bias"])
    assert found["layers.1.blocks.3.attn.relative_position_bias_table"].shape == (49, 4)
    assert found["layers.1.blocks.3.attn.relative_position_bias_table"][5 * 7 + 2, 3] == table[1, 5, 2, 3]


LAYOUTS = {
    "resnet_torch": ("simclr_cifar10", BASIC, layouts.RESNET_TORCH),
    "detectron2": ("simclr_cifar10", BASIC, layouts.RESNET_DETECTRON2),
    "timm": ("dino_imagenet_vits16", VIT, layouts.VIT_TIMM),
    "timm_registers": ("dino_imagenet_vits16", {**VIT, "nets__encoder__registers": "2"}, layouts.VIT_TIMM),
    "hf_vit": ("dino_imagenet_vits16", VIT, layouts.VIT_HF),
    "hf_dinov2": ("dino_imagenet_vits16", {**VIT, "nets__encoder__layer_scale": "0.5"}, layouts.DINOV2_HF),
    "timm_swin": ("simmim_swin_cifar10", SWIN, layouts.SWIN_TIMM),
    "hf_mae": ("mae_imagenet_vitb16", dict(clean__0__size="32", nets__encoder__variant="Ti/16"), layouts.VIT_HF),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_there_and_back_is_the_same(case):
    recipe, changes, layout = LAYOUTS[case]
    encoder = drawn(recipe, **changes)
    fixed = geometry.fixed_positions(encoder.config, own(encoder))
    wanted = {name: value for name, value in own(encoder).items() if name != geometry.MASK}
    back = names.imported(geometry.weights(encoder, layout), layout, wanted, fixed)
    assert set(back) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_array_equal(back[name], value, err_msg=name)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda w: w.pop("bn1.bias"), r"1 missing: bn1.bias$"),
        (lambda w: w.update(fc=np.zeros(3)), r"1 without use: fc$"),
        (
            lambda w: w.update({"layer1.0.conv1.wieght": w.pop("layer1.0.conv1.weight")}),
            r"1 missing: layer1.0.conv1.weight \(perhaps layer1.0.conv1.wieght\); "
            r"1 without use: layer1.0.conv1.wieght \(perhaps layer1.0.conv1.weight\)",
        ),
        (lambda w: w.update({"bn1.bias": np.zeros(9)}), r"bn1.bias is \[9\], and the recipe's network wants \[8\]"),
        (
            lambda w: w.update({"conv1.weight": w["conv1.weight"].transpose(2, 3, 1, 0)}),
            r"conv1.weight is \[7, 7, 3, 8\], and the recipe's network wants \[8, 3, 7, 7\]",
        ),
    ],
)
def test_what_does_not_fit_is_named(resnet, spoil, sentence):
    weights = geometry.weights(resnet, layouts.RESNET_TORCH)
    spoil(weights)
    with pytest.raises(ValueError, match=sentence):
        names.imported(weights, layouts.RESNET_TORCH, own(resnet))


def test_positions_that_a_network_with_fixed_ones_cannot_hold_are_refused():
    recipe, changes, layout = LAYOUTS["hf_mae"]
    encoder = drawn(recipe, **changes)
    weights = geometry.weights(encoder, layout)
    weights["embeddings.position_embeddings"] = weights["embeddings.position_embeddings"] + 0.1
    with pytest.raises(ValueError, match="embeddings.position_embeddings cannot be: the recipe's network has fixed"):
        names.imported(weights, layout, own(encoder), geometry.fixed_positions(encoder.config, own(encoder)))
