"""What a view may be, said in one sentence where it may not."""

import pytest

from ssl_jax.types import Op, View
from ssl_jax.views import compose

CROP = dict(name="random_resized_crop")
FLIP = dict(name="flip", p=0.5)
GRAY = dict(name="grayscale", p=0.2)
NORMAL = dict(name="normalize", args=dict(mean=(0.5,) * 3, std=(0.2,) * 3))


def view(*ops, group="global", count=2, size=8):
    return dict(group=group, count=count, size=size, ops=ops)


def test_dicts_become_records_and_sizes_are_filled_in():
    resize = dict(name="resize", args=dict(size=10))
    made = compose.views([view(CROP, FLIP, GRAY, NORMAL), view(resize, dict(name="center_crop"), group="clean")])
    crop, flip = Op("random_resized_crop", 1.0, {"size": 8}), Op("flip", 0.5, {})
    assert made[0] == View("global", 2, 8, (crop, flip, Op("grayscale", 0.2, {}), Op("normalize", 1.0, NORMAL["args"])))
    assert [op.args["size"] for op in made[1].ops] == [10, 8]
    assert compose.split(made[0]) == (made[0].ops[:2], made[0].ops[2:])


def test_every_operation_has_its_twin_on_the_host():
    from ssl_jax.views import photometric_host

    assert set(compose.PHOTOMETRIC) > {"color_jitter", "gaussian_blur", "normalize"}
    assert all(hasattr(photometric_host, name) for name in compose.PHOTOMETRIC if name != "normalize")
    assert set(compose.GEOMETRIC) == {
        *("random_resized_crop", "pad_crop", "flip", "resize", "resize_exact", "center_crop", "jigsaw"),
    }


@pytest.mark.parametrize(
    "views, sentence",
    [
        ([view(GRAY, CROP)], "grayscale before random_resized_crop"),
        ([view(CROP, NORMAL, GRAY)], "operations after normalize"),
        ([view(CROP), view(CROP, size=9)], "group 'global' have 8 and 9 pixels"),
        ([view(dict(name="grayscal"))], "no 'grayscal' in the operations of views; did you mean grayscale"),
        ([view(dict(name="solarize", args=dict(treshold=1)))], "no 'treshold' .*solarize; did you mean threshold"),
        ([view(dict(name="grayscale", args=dict(mode=1)))], "grayscale takes no arguments, and 'mode' is given"),
        ([view(dict(name="gaussian_blur"))], "gaussian_blur needs 'kernel_size'"),
        ([view(dict(name="grayscale", p=1.5))], "grayscale has p 1.5"),
        ([view(dict(name="random_resized_crop", p=0.5))], "random_resized_crop has p 0.5, and only"),
        ([view(CROP, count=0)], "count 0; it must be a whole number"),
        ([view(CROP, size=8.0)], "size 8.0; it must be a whole number"),
        ([dict(group="global", ops=())], "a view needs 'size'"),
        ([dict(view(CROP), sise=3)], "no 'sise' .*did you mean size"),
    ],
)
def test_what_no_view_can_be_is_one_sentence(views, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        compose.views(views)
    assert "\n" not in str(error.value)


def test_neighbors_that_differ_in_chances_alone_are_one_run():
    solarize = [dict(name="solarize", p=p) for p in (0.0, 0.2)]
    made = compose.views(
        [view(CROP, s, count=1) for s in solarize] + [view(CROP, GRAY), view(CROP, group="local", count=3)]
    )
    runs = compose.runs(made)
    assert [(run.group, run.first, run.count) for run in runs] == [("global", 0, 2), ("global", 2, 2), ("local", 4, 3)]
    assert runs[0].p == ((0.0,), (0.2,)) and runs[1].p == ((0.2,), (0.2,)) and runs[2].p == ((), (), ())


def test_the_place_of_colors_is_a_known_word():
    assert compose.checked("host") and not compose.checked("device")
    with pytest.raises(ValueError, match="photometric is 'cpu'; it must be 'device' or 'host'"):
        compose.checked("cpu")


TEXT = dict(group="words", size=4, ops=(), of="text")


@pytest.mark.parametrize(
    "view, sentence",
    [
        (dict(of="sound"), "views.0.of: no 'sound' in the parts of an example"),
        (dict(of=3), "views.0.of: "),
        (dict(draws=1), "views.0.draws is 1; it must be a word"),
        (dict(of="clip"), r"views.0.size: .*shows a clip and has size 8; it must be \(frames, pixels\)"),
        (dict(of="clip", size=(4, 0)), "views.0.size: .* has size 0; it must be a whole number from 1"),
        (dict(of="text", ops=(dict(name="flip"),)), "views.0.ops.0.name: .*'flip'.*of part 'text'"),
        (dict(group="target"), "views.0.group is 'target'; .*none of index, label, target"),
    ],
)
def test_views_of_other_parts_are_checked(view, sentence):
    with pytest.raises(ValueError, match=sentence):
        compose.views([{**dict(group="global", size=8, ops=()), **view}])


def test_a_group_shows_one_part():
    with pytest.raises(
        ValueError, match="views.1.of: the views of group 'words' have text and series; give them one part"
    ):
        compose.views([TEXT, dict(TEXT, of="series")])
    assert [compose.extent(size, of) for size, of in ((8, "image"), ((4, 6), "clip"), (5, "text"))] == [
        (8, 8),
        (4, 6, 6),
        (5,),
    ]
