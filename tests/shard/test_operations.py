"""Operations counted by hand, and by XLA where its count is right; collectives of texts that compilers write."""

import jax
import jax.numpy as jnp
import pytest

from ssl_jax.nets import conv
from ssl_jax.shard import mesh, operations


def counted(function, *shapes):
    arguments = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    return operations.flops(jax.jit(function).trace(*arguments).jaxpr.jaxpr)


def test_products_scans_and_conditions():
    product = 2 * 3 * 4 * 5
    assert counted(lambda a, b: a @ b, (3, 4), (4, 5)) == product
    assert counted(lambda a, b: jnp.einsum("bij,bjk->bik", a, b), (7, 3, 4), (7, 4, 5)) == 7 * product
    assert counted(lambda a, b: jax.lax.scan(lambda c, _: (c @ b @ b.T, None), a, length=6)[0], (3, 4), (4, 5)) == (
        6 * 2 * product
    )
    either = lambda a, b: jax.lax.cond(a[0, 0] > 0, lambda: (a @ b).sum(), lambda: (a @ b @ b.T).sum())  # noqa: E731
    assert counted(either, (3, 4), (4, 5)) == 2 * product


@pytest.mark.parametrize("size, stride, channels", [(1, 1, 16), (3, 1, 16), (3, 2, 16), (7, 2, 3)])
def test_a_convolution_and_both_its_gradients_are_three_times_the_convolution(size, stride, channels):
    h = -(-8 // stride)
    forward = 2 * 4 * h * h * size * size * channels * 32
    shapes = (4, 8, 8, channels), (size, size, channels, 32)
    assert counted(lambda x, k: conv.convolve(x, k, stride), *shapes) == forward
    both = jax.grad(lambda x, k: jnp.square(conv.convolve(x, k, stride)).sum(), (0, 1))
    # The gradient by the input meets the padding, too: with a stride, a row and a column more than the output has.
    assert 3 * forward <= counted(both, *shapes) <= 3.3 * forward


def test_an_unrolled_program_has_the_count_of_xla():
    def network(x, w):
        return jnp.sum(jnp.square(jax.nn.relu(x @ w) @ w.T))

    step, shapes = jax.grad(network, (0, 1)), ((64, 128), (128, 256))
    arguments = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    theirs = jax.jit(step).lower(*arguments).compile().cost_analysis()["flops"]
    assert counted(step, *shapes) == pytest.approx(theirs, rel=0.02)


def test_collectives_of_a_real_program():
    place = mesh.make(8, 1, devices=jax.devices()[:8])
    split, whole = mesh.by_example(place), mesh.replicated(place)
    similar = jax.jit(lambda z: jnp.sum(jax.nn.softmax(z @ z.T)), in_shardings=split, out_shardings=whole)
    found = operations.collectives(similar.lower(jax.ShapeDtypeStruct((64, 16), jnp.float32)).compile().as_text())
    assert found["all-gather"] == {"count": 1, "bytes": 64 * 16 * 4}
    assert found["all-reduce"] == {"count": 1, "bytes": 4}


def test_a_loop_sends_in_every_turn():
    place = mesh.make(8, 1, devices=jax.devices()[:8])
    split, whole = mesh.by_example(place), mesh.replicated(place)
    looped = lambda z: jax.lax.scan(lambda c, _: (c + jnp.sum(z * c), None), 1.0, length=6)[0]  # noqa: E731
    compiled = jax.jit(looped, in_shardings=split, out_shardings=whole).lower(jax.ShapeDtypeStruct((64,), jnp.float32))
    assert operations.collectives(compiled.compile().as_text()) == {"all-reduce": {"count": 6, "bytes": 24}}


def test_a_collective_in_several_kernels_is_one():
    text = """
%first (p: f32[2]) -> (f32[2], f32[8]) {
  %g = f32[8]{0} all-gather(%p), channel_id=7, dimensions={0}
}

%last (p: (f32[2], f32[8])) -> f32[8] {
  %g.1 = f32[8]{0} all-gather(%q), channel_id=7, dimensions={0}
}

ENTRY %main (x: f32[2]) -> f32[8] {
  %start = (f32[2]{0}, f32[8]{0}) fusion(%x), kind=kCustom, calls=%first
  ROOT %done = f32[8]{0} fusion(%start), kind=kCustom, calls=%last
}
"""
    assert operations.collectives(text) == {"all-gather": {"count": 1, "bytes": 32}}


def test_memory_is_used_in_every_turn_of_a_loop():
    text = """
%body.1 (p: (s32[], f32[10,4])) -> (s32[], f32[10,4]) {
  %p = (s32[], f32[10,4]{1,0}, f32[5,8]{1,0}) parameter(0)
  %a = f32[10,4]{1,0} get-tuple-element(%p), index=1
  %all = f32[5,8]{1,0} get-tuple-element(%p), index=2
  %near = f32[100]{0:S(1)} get-tuple-element(%p), index=3
  ROOT %b = bf16[10,4]{1,0} fusion(%a, %all, %near), kind=kLoop, calls=%fused
}

%condition.1 (p: (s32[], f32[10,4])) -> pred[] {
  %end = s32[] constant(5)
  ROOT %less = pred[] compare(%i, %end), direction=LT
}

ENTRY %main (x: f32[10,4]) -> f32[10,4] {
  %far = f32[1000]{0} add(%x, %x)
  %w = (s32[], f32[10,4]{1,0}) while(%t), condition=%condition.1, body=%body.1
}
"""
    turn = 10 * 4 * 4 + 8 * 4 + 10 * 4 * 2  # the operand, a fifth of what is stacked, the result; nothing that is near
    assert operations.repeated(text) == 4 * turn
    assert operations.moved(text) == 5 * turn + 1000 * 4


def test_a_transfer_to_the_small_memory_is_read_once_and_of_a_slice_no_more_than_the_slice():
    text = """
  %x = f32[8,10]{1,0} parameter(0)
  %copy-start = (f32[8,10]{1,0:T(8,128)S(1)}, f32[8,10]{1,0:T(8,128)}, u32[]{:S(2)}) copy-start(%x)
  %near = f32[8,10]{1,0:T(8,128)S(1)} copy-done(%copy-start)
  %copy-start.1 = (f32[8,10]{1,0:T(8,128)}, f32[8,10]{1,0:T(8,128)S(1)}, u32[]{:S(2)}) copy-start(%near)
  %slice-start = ((f32[8,10]{1,0:T(8,128)}), f32[2,10]{1,0:T(8,128)S(1)}, s32[]{:S(2)}) slice-start(%x)
"""
    assert operations.moved(text) == (80 + 80 + 20) * 4


def test_collectives_that_start_and_end():
    text = """
  %a = (bf16[8,16]{1,0}, bf16[64,16]{1,0}) all-gather-start(bf16[8,16]{1,0} %x), dimensions={0}
  %b = bf16[64,16]{1,0} all-gather-done((bf16[8,16]{1,0}, bf16[64,16]{1,0}) %a)
  %c = f32[10]{0} all-reduce-start(f32[10]{0} %y), to_apply=%add
  %d = (f32[4]{0}, f32[4]{0}, u32[], u32[]) collective-permute-start(f32[4]{0} %z)
  %e = (f32[2,3]{1,0}, s8[5]{0}) all-reduce(f32[2,3]{1,0} %p, s8[5]{0} %q), to_apply=%add
"""
    assert operations.collectives(text) == {
        "all-gather": {"count": 1, "bytes": 64 * 16 * 2},
        "all-reduce": {"count": 2, "bytes": 40 + 24 + 5},
        "collective-permute": {"count": 1, "bytes": 16},
    }
