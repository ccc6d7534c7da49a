"""A whole run that costs next to nothing: real loop, log, checkpoints and data, a linear method on made-up images."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tensorflow as tf

from ssl_jax.config import build, durations, recipes, schema
from ssl_jax.data import sources
from ssl_jax.paradigms.monitored import with_monitors
from ssl_jax.run.health import Limits
from ssl_jax.run.job import Every, Job, Preprocess
from ssl_jax.types import Aux, Method, View

EXAMPLES, BATCH, SIDE, WIDTH = 40, 8, 4, 3
"""An epoch is five steps."""


def recipe(**changes: str) -> dict:
    """The quickstart's recipe, of which a job takes the duration and all that is not images and networks."""
    small = {"duration": "12 steps", "batch": str(BATCH), "log.every": "1 step", "checkpoint.every": "3 steps"}
    changes = {**small, "evaluation.every": "4 steps", **{k.replace("__", "."): v for k, v in changes.items()}}
    return schema.resolve(recipes.override(schema.resolve(recipes.load("quickstart")), changes))


def method() -> Method:
    """Two views should agree and vary; an average follows, and updates are counted."""

    def init(key, batch):
        w = jax.random.normal(key, (SIDE * SIDE, WIDTH)) / SIDE
        return {"encoder": {"w": w}}, {"average": w, "updates": jnp.zeros((), jnp.int32)}

    def loss(params, state, batch, key, step):
        z = batch["global"].reshape(BATCH, 2, SIDE * SIDE) @ params["encoder"]["w"]
        value = jnp.mean((z[:, 0] - z[:, 1]) ** 2) + (jnp.mean(z**2) - 1) ** 2
        return value, Aux({}, jax.lax.stop_gradient(z[:, 0]), {})

    def update(state, params, carry, step):
        average = 0.9 * state["average"] + 0.1 * params["encoder"]["w"]
        return {"average": average, "updates": state["updates"] + 1}

    def embed(params, state, inputs):
        images = inputs["image"]
        return {"pool": images.reshape(images.shape[0], -1) @ params["encoder"]["w"]}

    return with_monitors(Method(init, loss, update, embed, {}))


def job(config: dict) -> Job:
    """What `build.job` makes of a recipe, with everything small put in the place of what is large."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (EXAMPLES, SIDE, SIDE, 1), np.uint8)
    clock = durations.run(config["duration"], examples=EXAMPLES, batch=BATCH)
    groups = {"global": jax.ShapeDtypeStruct((BATCH, 2, SIDE, SIDE, 1), "uint8")}
    ids = {name: jax.ShapeDtypeStruct((BATCH,), np.int32) for name in ("index", "label")}

    def augment(key, batch):
        noise = jax.random.normal(key, batch["global"].shape)
        return {**batch, "global": batch["global"].astype(jnp.float32) / 64 - 2 + 0.3 * noise}

    def clean(key, batch):
        return {**batch, "clean": batch["clean"].astype(jnp.float32) / 64 - 2}

    def twice(example, seed):
        image = example["image"]
        return {"global": tf.stack([image, image[:, ::-1]])}

    def whole(example, seed):
        return {"clean": tf.ensure_shape(example["image"], [SIDE, SIDE, 1])[None]}

    return Job(
        config=config,
        digest=recipes.digest(config),
        seed=config["seed"],
        clock=clock,
        method=method(),
        optimizer=optax.sgd(0.05, 0.9),
        logged={},
        train=sources.arrays(images, generator.integers(0, 3, EXAMPLES), name="made up", classes=("a", "b", "c")),
        test=None,
        validation=None,
        training=Preprocess((View("global", 2, SIDE, ()),), twice, augment),
        clean=Preprocess((View("clean", 1, SIDE, ()),), whole, clean),
        shapes=groups | ids,
        mesh=config["mesh"],
        patience=60.0,
        every=Every(*(config[key]["every"] for key in ("log", "checkpoint", "evaluation"))),
        trackers={},
        keep=build.keep(config["checkpoint"], clock),
        health=Limits(**config["health"]).checked(),
        evaluation={"examples": EXAMPLES, "batch": BATCH, "during": "knn", "final": "none"},
    )
