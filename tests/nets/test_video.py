"""Networks for clips: against images frame by frame, three-dimensional convolutions, loops and published sizes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import positions, video_resnet
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.resnet import resnet
from ssl_jax.nets.tubelet_vit import tubelet_vit
from ssl_jax.nets.video_resnet import midplanes, r2plus1d, slow
from ssl_jax.nets.vit import vit
from tests.nets.drawn import drawn
from tests.nets.test_conv import loops
from tests.nets.test_resnet import count

DRAW = np.random.default_rng(0)
CLIP = DRAW.normal(size=(2, 4, 8, 8, 3)).astype(np.float32)


def out(net, params, stats, x, **options):
    return jax.jit(lambda p, s, x: net.apply(p, s, x, train=False, **options)[0])(params, stats, x)


def in_three_dimensions(x, kernel, stride):
    """XLA's own convolution with [k, 1, 1, c, o]."""
    numbers, sides = ("NDHWC", "DHWIO", "NDHWC"), [(kernel.shape[0] // 2,) * 2, (0, 0), (0, 0)]
    return jax.lax.conv_general_dilated(
        x, kernel[:, None, None], (stride, 1, 1), sides, dimension_numbers=numbers, precision="highest"
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [4, 5])
def test_both_forms_of_the_convolution_along_time_are_xlas_in_value_and_gradient(strict, stride, frames):
    x, kernel = (jnp.asarray(DRAW.normal(size=s)) for s in [(2, frames, 3, 2, 3), (3, 3, 4)])
    wanted, pull = jax.vjp(partial(in_three_dimensions, stride=stride), x, kernel)
    dy = jnp.asarray(DRAW.normal(size=wanted.shape))
    forms = (video_resnet.along_time, video_resnet.along_time_by_products)
    for form in (*forms, lambda x, kernel, stride: video_resnet.convolve_time(x, kernel, stride)):
        y, back = jax.vjp(lambda x, kernel, form=form: form(x, kernel, stride), x, kernel)
        for ours, theirs in zip((y, *back(dy)), (wanted, *pull(dy)), strict=True):
            assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_the_paper_s_numbers_of_middle_channels():
    assert (midplanes(64, 64), midplanes(64, 128), midplanes(128, 128), midplanes(512, 512)) == (144, 230, 288, 1152)
    exact = 27 * 64 * 64  # the parameters of the 3x3x3 convolution, of which 144 middle channels have as many
    assert 144 * 9 * 64 + 144 * 3 * 64 == exact


@pytest.mark.parametrize("stride", [1, 2])
def test_with_an_identity_along_time_each_frame_is_convolved_as_an_image(strict, stride):
    norm = partial(BatchNorm, train=False, dtype=jnp.dtype("float64"))
    conv = video_resnet.FactorizedConv(4, 3, stride, norm, jnp.dtype("float64"), channels=4, time_stride=1)
    x = jnp.asarray(DRAW.normal(size=(2, 3, 6, 5, 3)))
    variables = conv.init(jax.random.key(0), x)
    identity = jnp.zeros((3, 4, 4)).at[1].set(jnp.eye(4))
    variables["params"]["temporal"]["kernel"] = identity
    y = conv.apply(variables, x)
    kernel = np.asarray(variables["params"]["spatial"]["kernel"])
    for t in range(3):
        frame = np.maximum(loops(np.asarray(x)[:, t], kernel, stride) / np.sqrt(1 + 1e-5), 0)
        assert_allclose(y[:, t], frame, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("depth", "published"), [(50, 32_454_096)])
def test_slow_has_the_published_parameters(depth, published):
    """PyTorchVideo's Slow-only R50 has 32.45 million, of which a layer of 400 classes is a part."""
    assert count(slow(depth=depth), (1, 8, 64, 64, 3)) == published - 400 * (2048 + 1)


def test_r2plus1d_has_the_parameters_of_its_three_dimensional_twin():
    """R3D-18 has 33.4 million without its last layer (arXiv:1711.11248, table 2: 33.5M and 33.3M with one)."""
    blocks = [(64, 64)] * 4 + [(64, 128)] + [(128, 128)] * 3 + [(128, 256)] + [(256, 256)] * 3 + [(256, 512)]
    blocks += [(512, 512)] * 3
    r3d = sum(27 * a * b for a, b in blocks)
    ours = sum(midplanes(a, b) * (9 * a + 3 * b) for a, b in blocks)
    assert 0.999 * r3d < ours <= r3d
    assert 33.1e6 < count(r2plus1d(), (1, 8, 64, 64, 3)) < 33.4e6


def test_maps_shrink_in_space_and_time_and_pool_is_their_mean():
    net = r2plus1d(depth=(1, 1, 1), base=4, stem="full")
    params, stats = drawn(net, CLIP)
    y = out(net, params, stats, CLIP)
    assert [m.shape for m in y["maps"].values()] == [(2, 4, 8, 8, 4), (2, 2, 4, 4, 8), (2, 1, 2, 2, 16)]
    assert_allclose(y["pool"], y["maps"]["stage3"].mean((1, 2, 3)), rtol=1e-6)
    y = jax.eval_shape(lambda p, s, x: net.apply(p, s, x, train=True), params, stats, CLIP[:, :1, :6])
    assert y[0]["pool"].shape == (2, 16)


def test_slow_without_its_side_frames_is_a_resnet_of_each_frame():
    """With nothing but the middle tap in the convolutions along time, the frames do not know of each other."""
    net, image = slow(base=2), resnet(base=2)
    params, stats = drawn(net, CLIP)
    zeroed = jax.tree.map_with_path(lambda path, p: _middle(p) if p.ndim == 3 else p, params)
    twin = jax.tree.map(lambda p: p[1][None, None] if p.ndim == 3 else p, zeroed)
    y = out(net, zeroed, stats, CLIP)
    frames = out(image, twin, stats, CLIP.reshape(-1, 8, 8, 3))
    assert_allclose(y["pool"], frames["pool"].reshape(2, 4, -1).mean(1), rtol=1e-4, atol=1e-5)
    assert not np.allclose(y["pool"], out(net, params, stats, CLIP)["pool"], atol=1e-3)


def _middle(kernel):
    return jnp.zeros_like(kernel).at[1].set(kernel[1])


def test_networks_see_the_order_of_frames():
    for net in (r2plus1d(depth=(1,), base=4, stem="half"), tubelet_vit(variant=(16, 1, 2, 4), tubelet=1)):
        params, stats = drawn(net, CLIP)
        assert not np.allclose(*(out(net, params, stats, x)["pool"] for x in (CLIP, CLIP[:, ::-1])), atol=1e-3)


def test_batch_norm_s_groups_are_of_clips():
    net = r2plus1d(depth=(1,), base=4, stem="half", groups=2)
    params, stats = drawn(net, CLIP)
    both, _ = net.apply(params, stats, CLIP, train=True)
    alone = r2plus1d(depth=(1,), base=4, stem="half")
    first, _ = alone.apply(params, stats, CLIP[:1], train=True)
    assert_allclose(both["pool"][:1], first["pool"], rtol=1e-5, atol=1e-6)


def test_tubelets_are_the_pixels_of_all_their_frames_times_one_matrix():
    net = tubelet_vit(variant=(16, 1, 2, 4), tubelet=2)
    params, _ = drawn(net, CLIP)
    tokens = out(net, params, {}, CLIP)["tokens"]
    # The same numbers to an image transformer: two frames are six channels, and there is one step in time.
    image, deep = vit(variant=(16, 1, 2, 4), cls_token=False, pool="mean"), CLIP[:, :2].transpose(0, 2, 3, 1, 4)
    first = out(net, params, {}, CLIP[:, :2])["tokens"]
    shifted = {**params, "patch_embed": {**params["patch_embed"], "bias": params["patch_embed"]["bias"] + at(0)}}
    assert tokens.shape == (2, 2 * 2 * 2, 16)
    assert_allclose(first, out(image, shifted, {}, deep.reshape(2, 8, 8, 6))["tokens"], rtol=1e-4, atol=1e-5)


def at(frame):
    """What a number of a frame adds to the positions of an image, by loops."""
    angles = [frame / 10000 ** (i / 8) for i in range(8)]
    return np.array([*map(np.sin, angles), *map(np.cos, angles)], np.float32)


def test_positions_of_space_and_time_add_up():
    places = positions.space_time(3, 2, 4, 16).reshape(3, 8, 16)
    for t in range(3):
        assert_allclose(places[t], positions.sincos(2, 4, 16) + at(t), atol=1e-6)


def test_a_tubelet_vit_sees_the_tubelets_that_are_kept():
    net = tubelet_vit(variant=(16, 2, 2, 4), tubelet=2)
    params, _ = drawn(net, CLIP)
    keep = jnp.array([[0, 5], [7, 2]])
    kept = out(net, params, {}, CLIP, keep=keep)["tokens"]
    changed = CLIP.copy()
    changed[0, :2, 4:] += 1  # tubelets 2 and 3 of the first clip, which nobody looks at
    assert kept.shape == (2, 2, 16)
    assert_allclose(kept, out(net, params, {}, changed, keep=keep)["tokens"])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: r2plus1d(depth=50), "no '50' in the depths of ResNets"),
        (lambda: slow(depth=18), "no '18' in the depths"),
        (lambda: r2plus1d(depth=()), "depth has 0 stages"),
        (lambda: r2plus1d(stem="imagenet"), "imagenet"),
        (lambda: r2plus1d(base=0), "base"),
        (lambda: tubelet_vit(pool="cls"), 'pool "cls" needs cls_token=True'),
        (lambda: tubelet_vit(tubelet=0), "tubelet"),
        (lambda: shape(tubelet_vit(variant=(16, 1, 2, 4)), (1, 3, 8, 8, 3)), "3 frames of 8 x 8 pixels cannot be cut"),
        (
            lambda: shape(tubelet_vit(variant=(16, 1, 2, 4)), (1, 8, 8, 3)),
            "takes .b, t, h, w, c., not .1, 8, 8, 3.",
        ),
        (lambda: shape(r2plus1d(), (1, 8, 8, 3)), "takes .b, t, h, w, c., not .1, 8, 8, 3."),
    ],
)
def test_what_cannot_be_is_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def shape(net, shape):
    return jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct(shape, jnp.float32))
