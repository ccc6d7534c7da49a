"""What an encoder makes of a few thousand examples, for the eye: maps, neighbors, mistakes, attention, tokens."""

import jax
import numpy as np

from ssl_jax.config import build
from ssl_jax.data import stream
from ssl_jax.data.source import Source, labeled, subset
from ssl_jax.evals import alike, confusion, linear, manifold, plane, tokens, usable
from ssl_jax.features import encoder as encoders
from ssl_jax.features.encoder import Encoder, Rows
from ssl_jax.reporting.run_record import Looked, Probe
from ssl_jax.run import evaluation

TESTED, FITTED = 2, 4
"""Examples that the probe is tested and fitted with, for each in a map."""
QUERIES, NEAREST = 8, 7
"""Examples whose neighbors are shown, and neighbors of each."""
SHOWN = 8
"""Images whose attention and tokens are shown."""
BATCH = 250


def looked(net: Encoder, train: Source | None, test: Source | None, *, examples: int) -> Looked:
    """By the test set, or by the training set where there is none. examples: in the maps, at most.

    train: None where the test set has other classes. Raises ValueError where the examples are not what the encoder
    takes, where none can be read, and where fewer than 4 have finite features.
    """
    source = train if test is None else test
    rows = _rows(net, source, TESTED * examples)
    good = np.flatnonzero(rows.valid & np.isfinite(rows.features).all(1))
    if len(good) < 4:
        raise ValueError(f"{len(good)} of {len(rows.index)} examples have finite features, and a map wants 4 or more")
    few = good[_spread(len(good), examples)]
    x, queries = rows.features[few], _spread(len(few), QUERIES)
    cosines, near = alike.nearest(x, k=min(NEAREST, len(x) - 1))
    found = Looked(
        step=net.step,
        source=source,
        index=rows.index[few],
        labels=rows.labels[few],
        maps=maps(x),
        queries=queries,
        near=near[queries],
        cosines=cosines[queries],
    )
    try:
        if train is None or test is None:
            raise ValueError("it wants a test set with the classes of the training set")
        found = found._replace(probe=probe(net, train, rows, examples))
    except ValueError as error:
        found = _without(found, f"There is no confusion matrix: {error}.")
    return _with_views(found, net) if net.part == "image" else found


def maps(x: np.ndarray) -> dict[str, np.ndarray]:
    """[n >= 4, d] -> {title: [n, 2]} of the features at unit length."""
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    x = np.pad(x, ((0, 0), (0, max(2 - x.shape[1], 0))))
    flat, shares = plane.pca(x)
    note = f"t-SNE, perplexity {manifold.perplexity(len(x)):.0f}\n(distances between clusters mean nothing)"
    return {f"PCA ({100 * shares.sum():.0f} % of the variance)": flat, note: manifold.tsne(x)}


def probe(net: Encoder, train: Source, test: Rows, examples: int) -> Probe:
    """The linear probe of the table, of fewer examples. Raises ValueError where it cannot be, with the reason."""
    if not labeled(train):
        raise ValueError("there are no labels")
    rows = _rows(net, train, FITTED * examples)
    finite = [each.valid & np.isfinite(each.features).all(1) for each in (rows, test)]
    part = usable.of(rows.labels, test.labels, train_valid=finite[0], test_valid=finite[1])
    y, truth = part.numbered(rows.labels[part.train]), part.numbered(test.labels[part.test])
    if len(part.classes) < 2 or not len(truth):
        raise ValueError("it wants two classes or more, of which there are examples in both sets")
    if reason := linear.impossible(y):
        raise ValueError(reason)
    count = len(part.classes)
    basis, fit, _ = linear.chosen(jax.random.key(0), rows.features[part.train], y, classes=count)
    counts = confusion.matrix(truth, linear.predict(basis, fit, test.features[part.test]), classes=count)
    names = tuple(str((train.classes or range(number + 1))[number]) for number in part.classes.tolist())
    return Probe(counts, names, len(y), len(truth))


def _rows(net: Encoder, source: Source, limit: int) -> Rows:
    """Features of so many examples, with their numbers in the source."""
    index = evaluation.drawn(source.size, limit)
    few = subset(source, index)
    found = encoders.rows(net, few, (0, few.size), batch=BATCH)
    return encoders.checked(found, net, few)._replace(index=index)


def _spread(count: int, most: int) -> np.ndarray:
    """Numbers below `count` at even distances."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))


def _without(found: Looked, reason: str) -> Looked:
    return found._replace(reasons=(*found.reasons, reason))


def _with_views(found: Looked, net: Encoder) -> Looked:
    """With a few images as the network sees them, their tokens as colors, and where a vision transformer looks."""
    few = subset(found.source, found.index[_spread(len(found.index), SHOWN)])
    batches = list(stream.sequential(few, net.host, batch=few.size))
    views = np.concatenate([batch["clean"][batch["mask"] & batch["valid"]] for batch in batches])
    outputs = jax.device_get(net.outputs(views))
    found = found._replace(views=views[:, 0])
    try:
        places, what = _places(outputs)
        found = found._replace(colors=tokens.colors(places), colored=what)
    except ValueError as error:
        found = _without(found, f"There are no tokens to be shown as colors: {error}.")
    if net.spec["name"] != "vit":
        return _without(found, f"There are no attention maps: {net.spec['name']} is no vision transformer.")
    looking = "the class token" if net.spec["cls_token"] else "the patches, on average"
    return found._replace(attention=attention(net, views), looking=looking)


def _places(outputs: dict) -> tuple[np.ndarray, str]:
    """[n, h, w, d] of what the network has for each place, and what that is. Raises ValueError where it has nothing."""
    if "tokens" in outputs:
        return tokens.grid(outputs["tokens"]), "patch tokens"
    if not outputs.get("maps"):
        raise ValueError("the network gives one vector an image")
    name, found = list(outputs["maps"].items())[-1]
    return found, f"the map {name}"


def attention(net: Encoder, views: np.ndarray) -> np.ndarray:
    """uint8 or uint16 [n, 1, h, w, c] as `net.host` makes them -> [n, heads, s, s] of a `vit`'s last block."""
    clean = build.preprocess(net.config["clean"], net.config["photometric"])
    found = encoders.forward(net.net, clean, attention=True)(net.params, net.stats, views)["attention"]
    last = np.asarray(found[:, -1])  # [n, heads, l]
    return tokens.grid(last.transpose(0, 2, 1)).transpose(0, 3, 1, 2)
