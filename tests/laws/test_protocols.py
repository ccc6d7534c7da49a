"""Every function of every record can be called as its Protocol in types.py says, and needs nothing more."""

import inspect
from collections.abc import Callable, Iterator

import pytest

from ssl_jax import types
from ssl_jax.types import Method, Net
from tests.laws import tiny


def fits(function, protocol: type) -> bool:
    """Whether a function takes exactly what a Protocol hands it: positions, and keywords but for **options."""
    handed = list(inspect.signature(protocol.__call__).parameters.values())[1:]
    positions = [object() for p in handed if p.kind is p.POSITIONAL_ONLY]
    keywords = {p.name: object() for p in handed if p.kind is p.KEYWORD_ONLY}
    try:
        inspect.signature(function).bind(*positions, **keywords)
    except TypeError:
        return False
    return True


def functions(record) -> Iterator[tuple[str, object, type]]:
    """(name, function, Protocol) of a record's fields that have one."""
    for name, annotation in inspect.get_annotations(type(record), eval_str=True).items():
        found = [p for p in getattr(annotation, "__args__", (annotation,)) if getattr(p, "_is_protocol", False)]
        if found and getattr(record, name) is not None:
            yield name, getattr(record, name), found[0]


def test_all_functions_of_the_records_have_a_protocol():
    for record in (types.Net, types.Criterion, types.Pass, types.Method):
        annotations = inspect.get_annotations(record, eval_str=True).values()
        assert Callable not in annotations and any(getattr(a, "_is_protocol", False) for a in annotations)


def test_a_function_that_does_not_fit_is_told():
    assert fits(lambda params, state, inputs: {}, types.Embed)
    assert not fits(lambda params, inputs: {}, types.Embed)
    assert not fits(lambda params, stats, x, *, train: x, types.NetApply)  # takes no key
    assert not fits(lambda params, state, inputs, extra: {}, types.Embed)


@pytest.mark.parametrize("name", tiny.METHODS)
def test_methods_passes_and_nets_keep_their_protocols(name):
    method = tiny.method(name)
    assert isinstance(method, Method)
    records = [method, *method.passes, *tiny.nets(name, "float32").values()]
    for record in records:
        for field, function, protocol in functions(record):
            assert fits(function, protocol), f"{name}: {type(record).__name__}.{field}{inspect.signature(function)}"
    assert {Net, Method} <= {type(record) for record in records}
