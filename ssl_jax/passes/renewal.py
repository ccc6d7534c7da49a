"""Where what a pass has found goes: into the criterion's state, and into parameters that begin anew."""

import jax
import jax.numpy as jnp

from ssl_jax.types import TrainState, Tree

NAME = "criterion"
"""Of the criterion's part, in the parameters and in the method state."""


def held(state: TrainState) -> Tree:
    """The criterion's state."""
    return state.method_state[NAME]


def with_held(state: TrainState, new: Tree) -> TrainState:
    """The state with another one of the criterion."""
    return state._replace(method_state={**state.method_state, NAME: new})


def with_params(state: TrainState, new: Tree) -> TrainState:
    """The state with other parameters of the criterion, whose optimizer knows nothing of the old ones.

    What it keeps of a parameter (momentum, means of gradients and squares) has the parameter's path at its end, and
    begins at zero again. Counts of steps go on, as schedules go by them.
    """
    paths = [_text(path) for path, _ in jax.tree_util.tree_leaves_with_path({NAME: new})]

    def forget(path: tuple, leaf):
        kept = any(_text(path).endswith(f"/{one}") for one in paths)
        return jnp.zeros_like(leaf) if kept else leaf

    opt_state = jax.tree_util.tree_map_with_path(forget, state.opt_state)
    return state._replace(params={**state.params, NAME: new}, opt_state=opt_state)


def _text(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
