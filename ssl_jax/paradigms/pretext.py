"""Make a question of an image, and answer it: rotation, jigsaw, relative position, colorization."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Key, Method, Metrics, Net, Pass, Tree


def pooled(y: dict) -> Array:
    """Each input's features alone are asked: [b, m, d]."""
    return y["pool"]


def last_map(y: dict) -> Array:
    """Each place of the encoder's last map is asked: [b, m, h, w, c]. Raises ValueError where there is none."""
    if not y.get("maps"):
        raise ValueError(f"the method looks at a map of places, and the encoder has only {', '.join(sorted(y))}")
    return y["maps"][max(y["maps"], key=lambda name: (len(name), name))]


def named(classes: int) -> Callable[[Array, Array, Tree], tuple[Array, Metrics]]:
    """The judge of answers that name one of so many classes: cross-entropy, a mean over all questions.

    It takes logits [b, q, classes], labels int32 [b, q] and what the task holds, and raises ValueError for another
    number of logits.
    """

    def judge(logits: Array, labels: Array, held: Tree) -> tuple[Array, Metrics]:
        if logits.shape[-1] != classes:
            raise ValueError(
                f"the classifier names {logits.shape[-1]} answers and the task has {classes}: "
                f"set --config.nets.classifier.out={classes}"
            )
        value = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        right = (logits.argmax(-1) == labels).astype(jnp.float32).mean()
        return value, {"pretext/top1": right, "pretext/chance": jnp.full((), 1 / classes, jnp.float32)}

    return judge


def pretext(
    encoder: Net,
    classifier: Net,
    task: Callable,
    judge: Callable,
    *,
    role: str = "classifier",
    read: Callable[[dict], Array] = pooled,
    held: Callable[[], Tree] = dict,
    picture: Callable | None = None,
    passes: tuple[Pass, ...] = (),
) -> Method:
    """task: (key, held, images [b, v, h, w, c]) -> (inputs [b, m, ...], labels [b, q, ...]).

    All inputs of a batch share one set of batch statistics; a batch of one kind would give the answer away.
    read: the encoder's output for them -> what the classifier sees of each question, [b, q, ...]. judge: (logits,
    labels, held) -> (value, metrics). role: what the classifier is called among the nets. held: () -> what the task
    keeps in the state, under "task", which passes may write. picture: (key, held, images [b, 1, h, w, c], logits) ->
    what `draw` gives of the questions that this key makes.
    """

    def answered(params: Tree, stats: Tree, inputs: Array, *, train: bool, key: Key | None = None):
        args = (encoder, params["encoder"], stats["encoder"], inputs)
        y, encoder_stats = encode.joint(*args, train=train, key=key)
        logits, own = encode.joint(classifier, params[role], stats[role], read(y), train=train)
        return y["pool"], logits, {"encoder": encoder_stats, role: own}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        task_key, (rest, encoder_key) = key, jax.random.split(key)
        kept, head_key = held(), jax.random.split(rest)[1]
        inputs, _ = task(task_key, kept, encode.full_size(batch))
        params, stats = encoder.init(encoder_key, inputs[:, 0])
        shown = jax.eval_shape(lambda p, s: read(encode.joint(encoder, p, s, inputs, train=False)[0]), params, stats)
        head, head_stats = classifier.init(head_key, jnp.zeros((len(inputs), *shown.shape[2:]), shown.dtype))
        return {"encoder": params, role: head}, {"stats": {"encoder": stats, role: head_stats}, "task": kept}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, task_key = jax.random.split(key)
        inputs, labels = task(task_key, state["task"], encode.full_size(batch))
        pool, logits, stats = answered(params, state["stats"], inputs, train=True, key=net_key)
        value, metrics = judge(logits, labels, state["task"])
        return value, jax.lax.stop_gradient(Aux({"stats": stats}, pool[:, 0], metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {**state, **carry}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        images = encode.full_size(batch)[:, :1]
        inputs, _ = task(key, state["task"], images)
        return picture(key, state["task"], images, answered(params, state["stats"], inputs, train=False)[1])

    record = Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER}, passes)
    return record._replace(draw=draw if picture else None)
