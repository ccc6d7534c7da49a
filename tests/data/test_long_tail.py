"""long_tail:RATIO*SOURCE and balanced:RATIO*SOURCE: unequal classes, and as many examples in equal ones."""

import re

import numpy as np
import pytest

from ssl_jax.data import long_tail, sources
from ssl_jax.data.source import described
from tests.data import forms
from tests.tfds_sets import TFDS, real

FILES = forms.pictures(60)


def sizes(text, **options):
    source = sources.open(text, **options)
    return np.bincount(source.labels, minlength=len(source.classes)), source


def test_the_profile_is_the_published_one():
    assert long_tail.profile(5000, 100, 10).tolist() == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert [long_tail.profile(5000, ratio, 10).sum() for ratio in (100, 10)] == [12406, 20431]
    assert long_tail.counts("balanced", 5000, 100, 10).tolist() == [1241] * 6 + [1240] * 4


@real
def test_cifar10_has_the_sizes_of_the_profile_in_the_order_of_a_seed():
    name, source = "balanced:100*tfds:cifar10/test", sources.open("tfds:cifar10/test", data_dir=str(TFDS))
    one, other = (np.bincount(long_tail.part("long_tail:100", source, 100, seed).labels) for seed in (0, 1))
    assert sorted(one) == sorted(other) == [10, 16, 27, 46, 77, 129, 215, 359, 599, 1000] and np.any(one != other)
    counted, part = sizes(name, data_dir=str(TFDS))
    assert part.name == name and part.size == one.sum() and np.ptp(counted) <= 1


def test_larger_ratios_are_nested_and_the_choice_is_that_of_places_and_labels(tmp_path):
    text = forms.folder(tmp_path, FILES)
    names = []
    for ratio in (2, 10):
        counted, source = sizes(f"long_tail:{ratio}*{text}")
        assert sorted(counted) == sorted(long_tail.profile(20, ratio, 3))
        names.append(set(described(source, 0, source.size)))
    assert names[1] < names[0] and len(sources.open(f"long_tail:2*{text}").classes) == 3
    again = sources.open(f"long_tail:10*{text}")
    assert again.digest == source.digest != sources.open(f"long_tail:10@1*{text}").digest


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "long_tail:folder:x",
            "how many times the largest class has the smallest is a number above 1, as long_tail:100",
        ),
        ("balanced:1*folder:x", "is a number above 1"),
        ("long_tail:inf*folder:x", "is a number above 1"),
        ("long_tail:100@a*folder:x", "long_tail:100@3*tfds:cifar10 for the order of classes of seed 3"),
        ("long_tail:100*folder:{place}", "has 20 examples, too few for 1/100"),
        ("long_tail:2*folder:{place}/ant", "it wants two or more classes, and folder:{place}/ant has 0"),
        ("long_tail:2*mix:1*folder:{place}+1*folder:{place}", "nothing is taken of a mix"),
    ],
)
def test_what_cannot_be_is_one_sentence(text, said, tmp_path):
    place = forms.folder(tmp_path, FILES).partition(":")[2]
    with pytest.raises(ValueError, match=re.escape(said.format(place=place))):
        sources.open(text.format(place=place))
