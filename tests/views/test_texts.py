"""Captions: alternatives, tokens, what is learned from captions."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.views import texts

pytest.importorskip("tokenizers")
CAPTIONS = ["a cat and a hat", "the cat sat", "A  Hat on the\tcat", "zwölf Katzen", "猫 and a cat", "that hat"]
MERGES = texts.learned(CAPTIONS, 280)


def tokens(text, size=16, merges=MERGES, vocabulary=280):
    seed = tf.zeros([2], tf.int64)
    made = texts.tokenize(seed, [tf.constant(text)], size, vocabulary=vocabulary, merges=merges)
    return made[0].numpy().tolist()


def by_hand(text, merges):
    """Greedy merges by rank, from the definition: bytes first, then the lowest pair that occurs, word by word."""
    alphabet = sorted(texts.tokenizers.pre_tokenizers.ByteLevel.alphabet())
    known = dict(zip([chr(b) for b in (*range(33, 127), *range(161, 173), *range(174, 256))], range(256), strict=False))
    spare = iter(range(256, 512))
    symbol = {b: chr(b) if chr(b) in known else chr(next(spare)) for b in range(256)}
    pairs = [tuple(line.split(" ")) for line in merges.splitlines()]
    number = {s: i + 3 for i, s in enumerate([*alphabet, *map("".join, pairs)])}
    out = []
    for word in text.lower().split():
        pieces = [symbol[b] for b in f" {word}".encode()]
        while True:
            ranks = [pairs.index(p) for p in zip(pieces, pieces[1:], strict=False) if p in pairs]
            if not ranks:
                break
            a, b = pairs[min(ranks)]
            at = next(i for i, p in enumerate(zip(pieces, pieces[1:], strict=False)) if p == (a, b))
            pieces[at : at + 2] = [a + b]
        out += [number[piece] for piece in pieces]
    return [1, *out, 2]


@pytest.mark.parametrize("text", [*CAPTIONS, "unseen words", "é"])
def test_tokens_are_those_of_the_definition(text):
    found = tokens(text, 40)
    assert [t for t in found if t] == by_hand(text, MERGES)


def test_frequent_words_become_one_token_and_case_and_blanks_do_not_count():
    assert 5 < len(MERGES.splitlines()) <= 280 - texts.BYTES == 21
    assert len(texts.learned(CAPTIONS, 263).splitlines()) == 4
    assert tokens(" CAT\t Cat ") == tokens("cat cat")
    start, cat, end = tokens("cat")[:3]
    assert (start, end) == (1, 2) and cat >= texts.BYTES
    assert max(tokens("the cat sat on a hat", 30)) < 280


def test_a_longer_text_keeps_its_end():
    assert tokens("cat hat cat hat", 4)[-1] == 2 and 0 not in tokens("cat hat cat hat", 4)
    assert tokens("cat hat cat hat", 4)[:3] == tokens("cat hat cat hat", 9)[:3]


def test_what_is_learned_is_the_same_in_another_process_and_order():
    script = f"from ssl_jax.views import texts; print(texts.learned({CAPTIONS[::-1]!r}, 280), end='')"
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=env, check=True)
        assert done.stdout.decode() == MERGES


def test_alternatives_are_drawn_by_seed_and_the_first_is_for_evaluation():
    text = tf.constant("one\n\n two \nthree")
    draw = tf.function(lambda seed: texts.random_line(seed, [text, text]))
    found = [draw(tf.constant([7, k], tf.int64)) for k in range(300)]
    words = np.array([[t.numpy().decode() for t in pair] for pair in found])
    for column in words.T:
        counts = {w: int((column == w).sum()) for w in ("one", "two", "three")}
        assert sum(counts.values()) == 300 and min(counts.values()) > 70
    assert (words[:, 0] == words[:, 1]).mean() < 0.45  # two draws of one example are independent
    assert [t.numpy() for t in draw(tf.constant([7, 5], tf.int64))] == [t.numpy() for t in found[5]]
    assert tokens("one\ntwo") == tokens("one")
    assert texts.random_line(tf.zeros([2], tf.int64), [tf.constant("")])[0].numpy() == b""


@pytest.mark.parametrize("text", ["", "  \n ", "\n"])
def test_an_empty_caption_fails_in_words(text):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match="there is no caption"):
        tokens(text)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at least the 256 bytes, 259 in all"):
        tokens("a", vocabulary=100)
    with pytest.raises(ValueError, match="no room beside their start and end"):
        tokens("a", size=2)
    with pytest.raises(ValueError, match="two pieces each"):
        tokens("a", merges="abc")
