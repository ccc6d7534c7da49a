"""A method and a mesh -> compiled functions. Shardings and donation are said here and nowhere else."""

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import NamedTuple

import jax
import optax
from jax.sharding import Mesh, NamedSharding

from ssl_jax import step as steps
from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import rules, walks
from ssl_jax.shard.walks import Walk
from ssl_jax.types import Method, TrainState, Tree

QUICKLY = {"xla_backend_optimization_level": 1}
"""For what runs once: at its full level XLA's CPU compiler takes seconds for each of the many random draws."""
ON_CPU = {"xla_cpu_experimental_ynn_fusion_type": ""}
"""Nothing to YNNPACK: it runs a convolution of up to 64 channels on one core, and long products with few columns, those
of a vision transformer, at three quarters of the speed of XLA's own."""


def jit_on(mesh: Mesh, options: dict | None = None) -> Callable:
    """`jax.jit` with the compiler's options for the devices of a mesh. options: others, on any device.

    What is jitted for several CPU devices ends before it returns. Of programs that are under way together each takes a
    thread for each device, and there are no more threads than devices: those whose collectives wait for the rest could
    hold all of them, and wait for ever.
    """
    on_cpu = mesh.devices.flat[0].platform == "cpu"
    if options is None:
        options = ON_CPU if on_cpu else {}

    def jit(function, **shardings):
        jitted = jax.jit(function, compiler_options=options, **shardings)
        if mesh.size == 1 or not on_cpu:
            return jitted

        @wraps(function)
        def ended(*arguments):
            return jax.block_until_ready(jitted(*arguments))

        ended.trace, ended.lower = jitted.trace, jitted.lower
        return ended

    return jit


class Program(NamedTuple):
    """What runs on the devices.

    init: (key) -> TrainState, each leaf where it belongs
    step: (TrainState, batch, key) -> (TrainState, metrics); the state that goes in is used up
    calibrate: (TrainState, batch, key) -> TrainState, see `step.make_calibration`; uses its input up
    passes: of the method, in order
    embed: (params, method_state, {group: clean views [b, 1, ...] as the host makes them}) -> dict of arrays
    draw: (params, method_state, batch, key) -> what `method.draw` makes of its first examples; None where it has none
    whole: (tree of arrays that are split by example) -> the same, so that every process can read all of it
    state, batch: ShapeDtypeStructs with shardings
    by_example: the sharding of whatever has the example as axis 0; devices: how many there are
    """

    init: Callable
    step: Callable
    calibrate: Callable
    passes: tuple[Walk, ...]
    embed: Callable
    draw: Callable | None
    whole: Callable
    state: TrainState
    batch: Tree
    by_example: NamedSharding
    devices: int


def build(
    method: Method,
    optimizer: optax.GradientTransformation,
    augment: Callable,
    clean: Callable,
    shapes: Tree,
    mesh: Mesh,
    *,
    inputs: Mapping[str, str] = MappingProxyType({"image": "clean"}),
) -> Program:
    """Jits a method for a mesh.

    augment, clean: (key, batch of integers) -> batch of floats, for training and for evaluation.
    shapes: ShapeDtypeStructs of one global batch as the host makes it. inputs: which groups of clean views the method
    embeds, as `step.make_embed` takes it.

    Raises ValueError where the batch does not divide over the devices.
    """
    split, whole = meshes.by_example(mesh), meshes.replicated(mesh)
    batch = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=split), shapes)
    meshes.check_batch(jax.tree.leaves(batch)[0].shape[0], mesh)

    def init(key):
        views = jax.eval_shape(augment, key, shapes)
        return steps.init(method, optimizer, key, views)

    key = jax.eval_shape(lambda: jax.random.key(0))
    state = jax.eval_shape(init, key)
    places = rules.shardings(mesh, state, method.placement)
    state = jax.tree.map(lambda a, s: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=s), state, places)
    jit = jit_on(mesh)
    frozen = (places.params, places.method_state, split)
    prepare = {None: None, "clean": clean, "train": augment}
    step, calibrate = steps.make_step(method, optimizer, augment), steps.make_calibration(method, augment)
    return Program(
        init=jit_on(mesh, QUICKLY)(init, in_shardings=whole, out_shardings=places),
        step=jit(step, in_shardings=(places, split, whole), out_shardings=(places, whole), donate_argnums=0),
        calibrate=jit(calibrate, in_shardings=(places, split, whole), out_shardings=places, donate_argnums=0),
        passes=tuple(walks.build(one, prepare[one.views], mesh, jit, state, places) for one in method.passes),
        embed=jit(steps.make_embed(method, clean, inputs), in_shardings=frozen, out_shardings=split),
        draw=method.draw and jit(steps.make_draw(method, augment), in_shardings=(*frozen, whole), out_shardings=whole),
        whole=jit(lambda tree: tree, out_shardings=whole),
        state=state,
        batch=batch,
        by_example=split,
        devices=mesh.size,
    )
