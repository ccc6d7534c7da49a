"""Random models of torch's libraries: weights on disk and features of given images. Run by SSL_JAX_INTEROP's Python.

python foreign.py KIND FOLDER
"""

import sys

import numpy as np
import torch


def randomize(net):
    """Every weight and statistic far from its start."""
    torch.manual_seed(0)
    for name, value in net.state_dict().items():
        if value.dtype == torch.float32 and not name.startswith("pos_embed_fixed"):
            scale = 0.5 / max(value[0].numel(), 1) ** 0.5 if value.ndim > 1 else 0.2
            value.copy_(torch.randn_like(value) * scale + (1 if "var" in name or "norm" in name or "bn" in name else 0))
            if "running_var" in name:
                value.abs_().add_(0.5)
    return net.eval()


def made(kind):
    """(network, function of images [b, c, h, w] to features)."""
    if kind.startswith("torchvision"):
        import torchvision

        net = torchvision.models.resnet18(num_classes=5)
        return net, lambda x: torch.flatten(torch.nn.Sequential(*list(net.children())[:-1])(x), 1)
    if kind.startswith("timm"):
        from timm.models.vision_transformer import VisionTransformer

        more = {
            "timm_registers": dict(reg_tokens=3, init_values=0.5, no_embed_class=True),
            "timm_clip": dict(pre_norm=True, act_layer="quick_gelu"),
        }.get(kind, {})
        net = VisionTransformer(img_size=64, patch_size=16, embed_dim=192, depth=12, num_heads=3, num_classes=0, **more)
        return net, net
    import transformers

    if kind == "hf_clip":  # the whole of it, as it is published: text and image towers
        sizes = dict(hidden_size=192, intermediate_size=768, num_hidden_layers=12, num_attention_heads=3)
        tower = dict(sizes, image_size=64, patch_size=16)
        net = transformers.CLIPModel(transformers.CLIPConfig(vision_config=tower, text_config=sizes))
        return net, lambda x: net.vision_model(x).pooler_output
    names = {"hf_vit": "ViT", "hf_dinov2": "Dinov2", "hf_registers": "Dinov2WithRegisters"}
    config = getattr(transformers, f"{names[kind]}Config")(
        hidden_size=192, num_hidden_layers=12, num_attention_heads=3, image_size=64, patch_size=16, layer_norm_eps=1e-6
    )
    if kind == "hf_vit":
        config.intermediate_size = 768
    net = getattr(transformers, f"{names[kind]}Model")(config)
    return net, lambda x: net(x).last_hidden_state[:, 0]


def main():
    kind, folder = sys.argv[1:]
    net, features = made(kind)
    randomize(net)
    images = torch.from_numpy(np.load(f"{folder}/inputs.npy")).permute(0, 3, 1, 2)
    with torch.no_grad():
        np.save(f"{folder}/features.npy", features(images).numpy())
    if kind.startswith("hf"):
        net.save_pretrained(f"{folder}/weights")
    else:
        from safetensors.torch import save_file

        save_file({f"net.{n}": v for n, v in net.state_dict().items()}, f"{folder}/weights.safetensors")


if __name__ == "__main__":
    main()
