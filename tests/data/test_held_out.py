"""held:SHARE*SOURCE and rest:SHARE*SOURCE: two parts of a dataset, each with its share of every class."""

import re
import shutil

import numpy as np
import pytest

from ssl_jax.data import sources
from ssl_jax.data.source import described
from tests.data import forms

FILES = forms.pictures(60)


def both(text, share="0.2", **options):
    return [sources.open(f"{kind}:{share}*{text}", **options) for kind in ("held", "rest")]


@pytest.mark.parametrize("form", [forms.folder, forms.zipped, forms.parquets], ids=lambda form: form.__name__)
def test_the_parts_are_the_whole_and_have_every_class(form, tmp_path):
    source = sources.open(form(tmp_path, FILES))
    held, rest = both(source.name)
    assert held.classes == rest.classes == source.classes
    assert np.bincount(held.labels).tolist() == [4, 4, 4] and np.bincount(rest.labels).tolist() == [16, 16, 16]
    names = [described(each, 0, each.size) for each in (held, rest, source)]
    assert sorted(names[0] + names[1]) == sorted(names[2])
    assert len({held.digest, rest.digest, source.digest}) == len({held.stamp, rest.stamp, source.stamp}) == 3
    assert held.name == f"held:0.2*{source.name}" and sources.open(held.name, channels=1).image.channels == 1
    images = dict(zip(names[2], sources.images(source, range(60)), strict=True))
    for name, image in zip(names[0], sources.images(held, range(held.size)), strict=True):
        assert np.array_equal(image, images[name])


def test_the_choice_is_that_of_places_and_labels_alone(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    text = forms.folder(tmp_path / "one", FILES)
    shutil.copytree(tmp_path / "one" / "set", tmp_path / "two" / "set")
    held, copy = (both(each)[0] for each in (text, text.replace("/one/", "/two/")))
    ends = [[name.rpartition("/")[2] for name in described(each, 0, each.size)] for each in (held, copy)]
    assert ends[0] == ends[1] and held.digest == copy.digest
    assert np.diff([int(end[:2]) for end in sorted(ends[0])]).min() >= 1
    assert ends[0] != [f"{k:02d}.png" for k in range(0, 60, 5)]  # no even distances: sets may come in turn


def test_of_examples_without_labels_beside_others_none_is_held_out(tmp_path):
    files = {**FILES, **{f"{k}.png": forms.png(k) for k in range(20)}}
    held, rest = both(forms.folder(tmp_path, files))
    assert (held.labels >= 0).all() and (held.size, rest.size) == (12, 68)
    (tmp_path / "bare").mkdir()
    held, rest = both(forms.folder(tmp_path / "bare", {f"{k}.png": forms.png(k) for k in range(20)}))
    assert (held.size, rest.size, held.classes) == (4, 16, ())


def test_numbers_to_be_predicted_go_along(tmp_path):
    forms.folder(tmp_path, FILES)
    lines = ["path,target", *(f"set/{path},{k}" for k, path in enumerate(FILES))]
    (tmp_path / "set.csv").write_text("\n".join(lines))
    held, rest = both(f"csv:{tmp_path}/set.csv")
    assert sorted(np.concatenate([held.targets, rest.targets])[:, 0]) == list(range(60))


def test_parts_of_a_mix(tmp_path):
    text = forms.zipped(tmp_path, FILES)
    mix = sources.open(f"mix:1*held:0.5*{text}+2*rest:0.5*{text}")
    assert mix.size == 60 and mix.order is not None
    with pytest.raises(ValueError, match="nothing is held out of a mix"):
        sources.open(f"held:0.1*{mix.name}")


@pytest.mark.parametrize(
    "text, said",
    [
        ("held:folder:x", "held:folder:x: what is held out is SHARE*SOURCE with a share between 0 and 1"),
        ("held:1.5*folder:x", "with a share between 0 and 1, as held:0.1*folder:/photos"),
        ("rest:nan*folder:x", "with a share between 0 and 1"),
        ("rest:0.1*", "with a share between 0 and 1"),
        ("held:0.1*foldr:x", "did you mean folder"),
        ("held:0.01*folder:{place}", "a share of 0.01 of 60 examples leaves a part with none"),
        ("held:0.1*embedded:solder_joints/none", "none"),
    ],
)
def test_what_cannot_be_is_one_sentence(text, said, tmp_path):
    place = forms.folder(tmp_path, FILES).partition(":")[2]
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open(text.format(place=place))
