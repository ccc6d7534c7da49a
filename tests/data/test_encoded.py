"""Headers, and the map that survives corrupt rows."""

import numpy as np
import tensorflow as tf

from ssl_jax.data import encoded


def test_headers_say_channels_and_bits():
    for channels in (1, 3, 4):
        for dtype in (np.uint8, np.uint16):
            data = tf.io.encode_png(np.zeros((3, 3, channels), dtype)).numpy()
            assert encoded.header(data) == (channels, 8 * dtype().itemsize)
    for channels in (1, 3):
        assert encoded.header(tf.io.encode_jpeg(np.zeros((3, 3, channels), np.uint8)).numpy()) == (channels, 8)
    assert encoded.header(b"") == encoded.header(b"\xff\xd8\xff") == encoded.header(b"GIF89a") == (3, 8)


def test_survivors_are_the_rows_that_do_not_fail():
    def root(x):
        with tf.control_dependencies([tf.debugging.assert_non_negative(x)]):
            return tf.sqrt(x), tf.stack([x, x])

    for row in ([4.0, -1.0, 9.0, -2.0], [1.0, 4.0], [-1.0]):
        slots, (roots, pairs) = encoded.survivors(root, tf.constant(row))
        good = [k for k, x in enumerate(row) if x >= 0]
        assert slots.numpy().tolist() == good and pairs.shape == (len(good), 2)
        assert np.allclose(roots.numpy(), [row[k] ** 0.5 for k in good])
