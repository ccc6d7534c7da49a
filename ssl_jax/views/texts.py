"""Captions on the host: which alternative is taken, and tokens by byte-level BPE (Hugging Face `tokenizers`).

An operation is `op(seed, texts, **args) -> texts`: a list with one string scalar, UTF-8, for each draw; `tokenize` ends
it with int32 [l]. Lines of a text are alternatives of one caption; empty ones do not count.
"""

import functools
import json
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

try:
    import tokenizers
except ImportError:  # only texts need it
    tokenizers = None

SPECIAL = ("<pad>", "<start>", "<end>")
"""The tokens 0, 1 and 2: what fills up behind a text, and what its tokens stand between."""
BYTES = len(SPECIAL) + 256
"""The smallest vocabulary: every text can be written in bytes."""


def random_line(seed: tf.Tensor, texts: list[tf.Tensor]) -> list[tf.Tensor]:
    """One of the alternatives of each text, all as likely; for training. A text without any stays as it is."""
    chances = tf.unstack(tf.random.stateless_uniform([len(texts)], seed))
    return [_drawn(text, chance) for text, chance in zip(texts, chances, strict=True)]


def tokenize(
    seed: tf.Tensor, texts: list[tf.Tensor], size: int, *, vocabulary: int = BYTES, merges: str = ""
) -> list[tf.Tensor]:
    """The first alternative of each text as `size` tokens, int32: start, the text, end, zeros behind.

    Lower case, white space as single blanks, pieces that words are made of (as in arXiv:2103.00020, section 2.4). Of a
    longer text the first size - 2 tokens are kept, so that the end is always there.
    vocabulary: the number of tokens at most, special ones and the 256 bytes included. merges: the pairs of pieces that
    are joined, in order, a line each; where a recipe has none, they are learned from the captions of its training set
    and stand in the recipe that the run keeps. The graph fails at a text without words.
    """
    check(vocabulary, size)
    encode = functools.partial(encoded, size=size, merges=merges)
    return [tf.ensure_shape(tf.numpy_function(encode, [text], tf.int32, stateful=False), [size]) for text in texts]


def check(vocabulary: int, size: int) -> None:
    """Raises ValueError for a vocabulary without all bytes, a text without room for a token, no library."""
    if vocabulary < BYTES:
        raise ValueError(f"tokenize has a vocabulary of {vocabulary}; it has at least the 256 bytes, {BYTES} in all")
    if size < len(SPECIAL):
        raise ValueError(f"texts of {size} tokens have no room beside their start and end; take {len(SPECIAL)} or more")
    if tokenizers is None:
        raise ValueError("texts need the package tokenizers: pip install 'ssl_jax[text]'")


def encoded(text: bytes, *, size: int, merges: str) -> np.ndarray:
    """One caption -> int32 [size], as `tokenize` has it. Raises ValueError for a text without words, or no UTF-8."""
    line = next(iter(lines(np.asarray(text, object).item().decode())), "")  # eagerly an array, in a graph bytes
    if not line:
        raise ValueError("there is no caption")
    own = _coder(merges).encode(line, add_special_tokens=False).ids[: size - 2]
    return np.array([1, *own, 2] + [0] * (size - 2 - len(own)), np.int32)


def lines(text: str) -> list[str]:
    """The alternatives that a caption has."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def learned(captions: Iterable[str], vocabulary: int) -> str:
    """Merges of byte-level BPE (arXiv:1508.07909) for a vocabulary of so many tokens, as `tokenize` takes them.

    The same for the same captions in any order. Fewer where the captions have no more pairs that occur twice.
    """
    check(vocabulary, len(SPECIAL))
    made = _empty(tokenizers.models.BPE())
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    options = dict(special_tokens=list(SPECIAL), initial_alphabet=alphabet, min_frequency=2, show_progress=False)
    made.train_from_iterator(captions, tokenizers.trainers.BpeTrainer(vocab_size=vocabulary, **options))
    return "\n".join(map(" ".join, json.loads(made.to_str())["model"]["merges"]))


@functools.lru_cache(8)
def _coder(merges: str) -> "tokenizers.Tokenizer":
    pairs = [tuple(line.split(" ")) for line in merges.splitlines()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("merges are lines of two pieces each, with a blank between")
    pieces = [*SPECIAL, *sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()), *map("".join, pairs)]
    number: dict[str, int] = {}
    for piece in pieces:
        number.setdefault(piece, len(number))
    return _empty(tokenizers.models.BPE(vocab=number, merges=pairs))


def _empty(model: "tokenizers.models.BPE") -> "tokenizers.Tokenizer":
    """A tokenizer with what is done to a text before its pieces are looked up."""
    made, norm = tokenizers.Tokenizer(model), tokenizers.normalizers
    blanks = norm.Replace(tokenizers.Regex(r"\s+"), " ")
    made.normalizer = norm.Sequence([norm.NFC(), norm.Lowercase(), blanks, norm.Strip()])
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    return made


def _drawn(text: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    found = tf.strings.strip(tf.strings.split(text, "\n"))
    found = tf.concat([tf.boolean_mask(found, tf.strings.length(found) > 0), [text]], 0)
    count = tf.maximum(tf.shape(found)[0] - 1, 1)
    return found[tf.minimum(tf.cast(chance * tf.cast(count, tf.float32), tf.int32), count - 1)]
