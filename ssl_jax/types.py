"""The vocabulary of the library: records of pure functions, and the one state of a run.

Shapes use one alphabet everywhere: b example, v view, h w c image, l token, d feature, k prototype,
n bank row. Axis 0 is the example and axis 1 the view at every boundary.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax

Array = jax.Array
Key = jax.Array
Tree = Any
Metrics = dict[str, Array]
Schedule = Callable[[Array], Array]
"""A function of the step (int32 scalar) that gives a float32 scalar; jittable."""
Placement = tuple[tuple[str, tuple[str | None, ...]], ...]
"""Pairs of a regular expression on a leaf's path and what its leading axes are: "example", split over all devices as
the batch is, or None. The first match wins; leaves without one are placed by their size."""


class Examples(int):
    """The number of training examples; a constructor's parameter with this annotation is given by `config/build.py`."""


class NetInit(Protocol):
    """(key, x) -> (params, stats), of which only the shapes and dtypes of x are read."""

    def __call__(self, key: Key, x: Tree, /) -> tuple[Tree, Tree]: ...


class NetApply(Protocol):
    """(params, stats, x) -> (y, stats). options: what a net offers beyond, such as keep= of vision transformers."""

    def __call__(
        self, params: Tree, stats: Tree, x: Tree, /, *, train: bool, key: Key | None = None, **options: Any
    ) -> tuple[Tree, Tree]: ...


class Net(NamedTuple):
    """A network as two pure functions.

    Encoders return a dict with `pool` [b, d] and, where they exist, `cls` [b, d], `tokens` [b, l, d] and
    `maps` (a dict of [b, h, w, c]); heads return an array. `key` drives drop path and dropout and may be None,
    which switches both off (a teacher does so).
    """

    init: NetInit
    apply: NetApply


class Op(NamedTuple):
    """One operation of a view, as data: a function of the modules that `views/compose.py` lists for the part's kind."""

    name: str
    p: float = 1.0
    args: dict = {}


class View(NamedTuple):
    """`count` draws of one pipeline, stacked with the other views of the same group along axis 1.

    group: the key in the batch: "global", "local", "clean", ...
    size: pixels of the square result, (frames, pixels) of a clip, tokens, points or readings; equal for all views of a
        group.
    ops: in order, those of the host before those of the device: for images geometric ones, then photometric ones.
    of: the part of the example that is shown: "image", "clip", "text", "points", "series".
    places: whether the batch has, beside the group, "GROUP/place", float32 [b, v, 2, 3]: where in the source image each
        view lies (`views/places.py`).
    draws: views with the same word here have the same geometric draws, the first draw of each, the second, ...
    """

    group: str
    count: int
    size: int | tuple[int, int]
    ops: tuple[Op, ...]
    of: str = "image"
    draws: str = ""
    places: bool = False


Pairs = Callable[[int, int], list[tuple[int, int]]]
"""Which views a criterion compares: (teacher's views, student's views) -> pairs (t, s)."""


class Seen(NamedTuple):
    """What a criterion may look at.

    student: {name: [b, v, ...]}, the side that gradients reach. teacher: {name: [b, w, ...]}, without gradient. A
    criterion of one output sees the array alone, through `criteria.lenses.at`.
    batch: what the batch has besides images: index, int32 [b], the stable id of the example in its dataset; label,
    int32 [b], -1 where there is none; target, float32 [b, k], NaN where one is missing, of data that has them; and what
    the method adds, such as hidden, bool [b, v, l].
    """

    student: Tree
    teacher: Tree
    batch: dict[str, Array]
    step: Array
    key: Key


class CriterionInit(Protocol):
    """(key, seen) -> (params, state), of which only the shapes and dtypes of `seen` are read."""

    def __call__(self, key: Key, seen: Seen, /) -> tuple[Tree, Tree]: ...


class CriterionLoss(Protocol):
    """(params, state, seen) -> (scalar, metrics); reads the state, never writes it."""

    def __call__(self, params: Tree, state: Tree, seen: Seen, /) -> tuple[Array, Metrics]: ...


class CriterionUpdate(Protocol):
    """(state, seen) -> state."""

    def __call__(self, state: Tree, seen: Seen, /) -> Tree: ...


class Criterion(NamedTuple):
    """A loss that may own parameters (prototypes) and a state (a queue, a center, a bank).

    placement: where leaves of the state lie that grow with the dataset; paths begin in the state
    """

    init: CriterionInit
    loss: CriterionLoss
    update: CriterionUpdate
    placement: Placement = ()


class Aux(NamedTuple):
    """What a forward pass leaves behind, without gradient: what `update` carries on, features [b, d] for probes and
    monitors, and metrics, global means by name."""

    carry: Tree
    features: Array
    metrics: Metrics


class Due(Protocol):
    """(step, Clock) -> whether a pass comes after `step` steps and before the next; 0 is before the first one."""

    def __call__(self, step: int, clock: Any, /) -> bool: ...


class Start(Protocol):
    """(TrainState, key) -> found, any tree; what `fold` begins with."""

    def __call__(self, state: "TrainState", key: Key, /) -> Tree: ...


class Fold(Protocol):
    """(TrainState, found, batch, key) -> found.

    Beside the views a batch has "index", "label", and "real" bool [b], False where a row only fills the batch up, or
    where its example could not be read. The state is that before the pass, in every batch. What is found may depend on
    neither the size nor the number of the batches.
    """

    def __call__(self, state: "TrainState", found: Tree, batch: dict, key: Key, /) -> Tree: ...


class Finish(Protocol):
    """(TrainState, found, key) -> TrainState, with what was found in its place; it may renew parameters as well."""

    def __call__(self, state: "TrainState", found: Tree, key: Key, /) -> "TrainState": ...


class Pass(NamedTuple):
    """Work between two steps: over all training examples, or over the state alone; all but `due` is jittable.

    views: what it reads. None: nothing but the state. "clean": each example once, in the source's order, as evaluation
        sees it, {"clean": [b, 1, h, w, c]}. "train": the same examples with the views of training
    times: how often in a row, each on the state that the one before has left
    placement: where leaves of what is found lie that grow with the dataset
    refuses: (TrainState after each time) -> a sentence, not jitted, that ends the run before it is saved; else ""
    """

    due: Due
    finish: Finish
    views: str | None = None
    start: Start = lambda state, key: ()
    fold: Fold | None = None
    times: int = 1
    placement: Placement = ()
    refuses: Callable[["TrainState"], str] = lambda state: ""


class Card(NamedTuple):
    """What the list of methods says of one: the constant CARD of its file.

    title: as its authors call it. family: one of `catalog.FAMILIES`. year: of the first publication. paper:
    "arXiv:2002.05709", or "" where there is none. needs: the parts that an example of its data must have, "target"
    among them where the loss reads numbers to be predicted, "label" where it reads classes.
    """

    title: str
    family: str
    year: int
    paper: str = ""
    needs: tuple[str, ...] = ("image",)


class Place(NamedTuple):
    """Where a network lies: its role among the recipe's nets, and the keys from a TrainState to its weights.

    params, stats: of its parameters, and of its batch statistics. part: of an example that it takes; "" where all
    encoders of the method take the one part that the recipe's clean view is of.
    """

    net: str
    params: tuple[str, ...]
    stats: tuple[str, ...]
    part: str = ""


class MethodInit(Protocol):
    """(key, batch) -> (params, state), of which only the shapes of `batch` are read."""

    def __call__(self, key: Key, batch: dict, /) -> tuple[Tree, Tree]: ...


class MethodLoss(Protocol):
    """(params, state, batch, key, step) -> (scalar, Aux); reads the state, writes nothing."""

    def __call__(self, params: Tree, state: Tree, batch: dict, key: Key, step: Array, /) -> tuple[Array, Aux]: ...


class MethodUpdate(Protocol):
    """(state, params, carry, step) -> state; the only writer."""

    def __call__(self, state: Tree, params: Tree, carry: Tree, step: Array, /) -> Tree: ...


class Embed(Protocol):
    """(params, state, {"image": [b, h, w, c]}) -> {pool, cls, tokens, maps}; inputs go by the parts of an example."""

    def __call__(self, params: Tree, state: Tree, inputs: dict[str, Tree], /) -> dict[str, Tree]: ...


class Draw(Protocol):
    """(params, state, a few examples, key) -> {picture: {title: images [n, h, w, 1 or 3] in the units of the views}}.

    NaN where there is nothing. Of one picture all titles have as many; those of a single title are shown as a square.
    """

    def __call__(self, params: Tree, state: Tree, batch: dict, key: Key, /) -> dict[str, dict[str, Array]]: ...


class Phase(NamedTuple):
    """A loss that moves some parameters, `parts` by their top-level names, before the method's own moves the rest.

    times: in a row, with a key each; schedules go by steps all the same.
    """

    parts: tuple[str, ...]
    loss: MethodLoss
    update: MethodUpdate
    times: int = 1


class Method(NamedTuple):
    """A self-supervised method. `embed` is what evaluation and export see.

    encoders: the encoders that there are by name, such as "student" and "teacher"; the first is what `embed` uses and
        what is exported unless another is asked for
    passes: what comes between steps, in order
    placement: where leaves of a TrainState lie that are not to be placed by their size
    frozen: names of encoders that no step changes, whose weights the recipe's `start` has to give
    phases: what comes in a step before `loss`, in order: adversaries, which the loss of the others must not move
    draw: pictures of what the method makes of images, if it makes any
    """

    init: MethodInit
    loss: MethodLoss
    update: MethodUpdate
    embed: Embed
    encoders: dict[str, Place]
    passes: tuple[Pass, ...] = ()
    placement: Placement = ()
    frozen: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    draw: Draw | None = None


class TrainState(NamedTuple):
    """Everything that survives a step. A checkpoint is one of these.

    step: int32, updates done. method_state: teachers, queues, banks, centers, batch statistics.
    """

    step: Array
    params: Tree
    method_state: Tree
    opt_state: Tree
