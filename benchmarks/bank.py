"""What a bank of ImageNet's size, 1,281,167 x 128, takes of each of 8 devices in a step: compiled, and not run.

    python benchmarks/bank.py [--json]

DeepCluster-v2 with two views and a small ResNet on 8 simulated CPU devices, against the same step with a bank of 1,024
rows. Of each device's memory: `state`, what the step is given and gives back in its place, and `temporary`, what it
needs beside that. The goal: the state grows by the device's shard, the temporary memory by nothing.
"""

import argparse
import json
import os

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"

import jax
import jax.numpy as jnp
import optax

from ssl_jax.methods.deepcluster_v2 import deepcluster_v2
from ssl_jax.nets import heads, resnet
from ssl_jax.shard import mesh, program

IMAGENET, FEW, WIDTH, VIEWS, BATCH, SIDE = 1_281_167, 1024, 128, 2, 64, 32
MESHES = ((8, 1), (2, 4), (1, 8))


def main() -> None:
    """Compile, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    whole = IMAGENET * VIEWS * WIDTH * 4
    rows = {}
    for data, fsdp in MESHES:
        few, many = (compiled(examples, data, fsdp) for examples in (FEW, IMAGENET))
        rows[f"{data}x{fsdp}"] = {
            "bank": whole / 2**20,
            "shard": whole / 8 / 2**20,
            "state": (many.argument_size_in_bytes - few.argument_size_in_bytes) / 2**20,
            "temporary": (many.temp_size_in_bytes - few.temp_size_in_bytes) / 2**20,
        }
    if as_json:
        print(json.dumps({"unit": "MiB a device", "jax": jax.__version__, "meshes": rows}, indent=1))
        return
    for name, row in rows.items():
        grown = f"state {row['state']:7.1f}, temporary {row['temporary']:7.2f}"
        print(f"mesh {name}: the bank {row['bank']:.1f} MiB, an eighth {row['shard']:.1f}; more a device: {grown}")


def compiled(examples: int, data: int, fsdp: int):
    """What the compiler says of a step's memory, on each device."""
    encoder = resnet.resnet(depth=(1, 1), base=8, stem="cifar")
    projector = heads.mlp(widths=(64, WIDTH))
    method = deepcluster_v2(encoder, projector, examples=examples, heads=1, centroids=100)
    ids = jax.ShapeDtypeStruct((BATCH,), jnp.int32)
    shapes = {"global": jax.ShapeDtypeStruct((BATCH, VIEWS, SIDE, SIDE, 3), jnp.uint8), "index": ids, "label": ids}
    made = program.build(method, optax.sgd(0.1), augment, augment, shapes, mesh.make(data, fsdp))
    return made.step.lower(made.state, made.batch, jax.eval_shape(jax.random.key, 0)).compile().memory_analysis()


def augment(key: jax.Array, batch: dict) -> dict:
    """Floats of the integers: what views cost is no matter here."""
    return {**batch, "global": batch["global"].astype(jnp.float32) / 255}


if __name__ == "__main__":
    main()
