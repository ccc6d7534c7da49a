"""Reads a directory with transformers and embeds images. Needs nothing of ssl_jax.

  python huggingface.py REQUEST.json

The request is that of torch_models.py. The feature is that of the cls token after the last norm, or the mean of the
patches' where "pool" says so.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoConfig, AutoModel  # noqa: E402


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    config = AutoConfig.from_pretrained(request["path"])
    options = {"add_pooling_layer": False} if config.model_type == "vit" else {}
    net, found = AutoModel.from_pretrained(request["path"], output_loading_info=True, **options)
    wrong = {name: sorted(map(str, keys)) for name, keys in found.items() if keys}
    if wrong:
        sys.exit(f"transformers {transformers.__version__} does not take the weights as they are: {wrong}")
    images = torch.from_numpy(np.load(request["inputs"])).permute(0, 3, 1, 2)
    patches = (config.image_size // config.patch_size) ** 2
    # ViTMAE shuffles the patches by noise; rising noise leaves them in place.
    noise = {"noise": torch.arange(patches)[None].repeat(len(images), 1)} if config.model_type == "vit_mae" else {}
    with torch.no_grad():
        tokens = net.eval()(images, **noise).last_hidden_state
        if config.model_type == "clip_vision_model":  # which normalizes the cls token alone, as its "pooler_output"
            tokens = getattr(net, "vision_model", net).post_layernorm(tokens)
    pool = tokens[:, -patches:].mean(1) if request["pool"] == "mean" else tokens[:, 0]
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    np.savez(request["out"], pool=pool.numpy(), versions=json.dumps(versions))


if __name__ == "__main__":
    main()
