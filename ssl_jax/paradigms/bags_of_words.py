"""A student names, from small crops of an image, the words that its average finds in the whole of it: oBoW."""

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.losses import words
from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import matmul
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import ENCODERS
from ssl_jax.state import bank, ema, vocabulary
from ssl_jax.types import Array, Aux, Key, Method, Net, Schedule, Tree

WHOLE, SMALL = "global", ("local", "patches")
"""The group of the teacher's view, and those of the student's, of which one can be missing."""
WEIGHTS = "weight_generator"


def bags_of_words(
    encoder: Net,
    weight_generator: Net,
    *,
    levels: tuple[str, ...],
    size: int,
    ema_decay: Schedule,
    sharpness: float,
    scale: float,
) -> Method:
    """The encoder's maps of these levels have a vocabulary of `size` words each; losses are a mean over levels.

    weight_generator: unit words [n, d] -> the weights [n, features] of the linear layer that predicts them, made unit
    and times `scale`; one for each level. The kinds of crops are added up, each a mean over its crops, with batch
    statistics of its own. The student names words by the vocabulary that the teacher's bags are made with; the batch's
    words come after that. Metrics: the perplexity of an image's bag and of the batch's mean one, which is the same at
    collapse, and the average distance.
    """

    def taught(params: Tree, stats: Tree, batch: dict) -> tuple[dict, Tree]:
        args = (encode.joint, encoder, params["encoder"], stats["encoder"], [_whole(batch)])
        y, new = encode.groups(*args, train=True, outputs=("maps",))
        return {level: _map(y["maps"], level)[:, 0] for level in levels}, {"encoder": new}

    def predicted(params: Tree, stats: Tree, held: dict, crops: list[Array], key: Key | None):
        args = (encode.joint, encoder, params["encoder"], stats["encoder"], crops)
        y, seen = encode.groups(*args, train=True, key=key)
        logits, new = {}, {}
        for level in levels:
            args = (params[WEIGHTS][level], stats[WEIGHTS][level], unit(held[level].words.rows))
            weights, new[level] = weight_generator.apply(*args, train=True)
            _require_width(weights, y["pool"])
            logits[level] = scale * matmul(y["pool"], unit(weights).T)
        return y["pool"], logits, {"encoder": seen, WEIGHTS: new}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        net_key, *keys = jax.random.split(key, 1 + len(levels))
        params, stats = encode.init_chain(net_key, _small(batch)[0][:, 0], encoder=encoder)
        teacher, teacher_stats = jax.tree.map(jnp.copy, (params, stats))
        maps, _ = jax.eval_shape(taught, teacher, teacher_stats, batch)
        held, params[WEIGHTS], stats[WEIGHTS] = {}, {}, {}
        for level, own in zip(levels, keys, strict=True):
            words_key, own = jax.random.split(own)
            held[level] = vocabulary.init(words_key, size, maps[level])
            params[WEIGHTS][level], stats[WEIGHTS][level] = weight_generator.init(own, held[level].words.rows)
        jax.eval_shape(lambda p, s, v: predicted(p, s, v, _small(batch), None), params, stats, held)
        return params, {"stats": stats, "teacher": teacher, "teacher_stats": teacher_stats, "vocabulary": held}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, *keys = jax.random.split(key, 1 + len(levels))
        held, crops = jax.lax.stop_gradient(state["vocabulary"]), _small(batch)
        pool, logits, stats = predicted(params, state["stats"], held, crops, net_key)
        maps, teacher_stats = taught(*jax.lax.stop_gradient((state["teacher"], state["teacher_stats"])), batch)
        values, new, metrics = [], {}, {}
        for level, own in zip(levels, keys, strict=True):
            bag, distance = vocabulary.described(held[level], maps[level], sharpness)
            values.append(_of_kinds(bag, logits[level], [views.shape[1] for views in crops]))
            new[level] = (vocabulary.sampled(own, maps[level]), distance)
            perplexity = {"image": bag, "batch": jnp.mean(bag, 0)[None]}
            metrics |= {f"{level}/perplexity/{n}": jnp.exp(monitors.entropy(p)) for n, p in perplexity.items()}
            metrics[f"{level}/distance"] = distance
        carry = {"stats": stats, "teacher_stats": teacher_stats, "words": new}
        return sum(values) / len(levels), jax.lax.stop_gradient(Aux(carry, pool[:, 0], metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {
            "stats": carry["stats"],
            "teacher": ema.toward(state["teacher"], {"encoder": params["encoder"]}, ema_decay(step)),
            "teacher_stats": carry["teacher_stats"],
            "vocabulary": {n: vocabulary.write(state["vocabulary"][n], *found) for n, found in carry["words"].items()},
        }

    # The generator's work goes by words, as a batch's goes by examples.
    placement = (("method_state/vocabulary/.*rows", bank.BY_ROW),)
    return Method(init, loss, update, encode.embedder(encoder), ENCODERS, placement=placement)


def _of_kinds(bag: Array, logits: Array, counts: list[int]) -> Array:
    """The sum over kinds of crops, which lie side by side in logits [b, v, n], `counts` of each."""
    ends = [sum(counts[: i + 1]) for i in range(len(counts))]
    return sum(words.divergence(bag, logits[:, end - n : end]) for n, end in zip(counts, ends, strict=True))


def _whole(batch: dict) -> Array:
    """The teacher's view. Raises ValueError where there is none, or more than one."""
    found = batch[WHOLE].shape[1] if WHOLE in batch else 0
    if found != 1:
        raise ValueError(f"the teacher sees 1 view of group '{WHOLE}', the recipe makes {found}; set the count to 1")
    return batch[WHOLE]


def _small(batch: dict) -> list[Array]:
    """The student's views, by kind. Raises ValueError where there is none."""
    found = [batch[name] for name in SMALL if name in batch]
    if not found:
        raise ValueError(f"the student sees views of group {' or '.join(SMALL)}, the recipe makes only {sorted(batch)}")
    return found


def _require_width(weights: Array, pool: Array) -> None:
    out, width = weights.shape[-1], pool.shape[-1]
    if out != width:
        raise ValueError(
            f"the generator makes weights of {out} numbers, and the encoder's features have {width}; "
            f"set its last width to {width}"
        )


def _map(maps: dict, level: str) -> Array:
    if level not in maps:
        raise ValueError(f"the method reads the map '{level}' of the encoder, which has {', '.join(sorted(maps))}")
    return maps[level]
