"""Recipes are found, overridden and compared; what is wrong is said in one sentence."""

import json

import pytest

from ssl_jax.config import recipes, schema
from ssl_jax.views import compose


def resolved(**changes):
    return schema.resolve(recipes.override(schema.resolve(recipes.load("quickstart")), changes))


def test_every_default_has_a_key():
    config = resolved()
    assert config["method"]["temperature"] > 0 and config["log"]["every"] and config["optimizer"]["b1"] == 0.9
    assert schema.resolve(config) == config


def test_the_recipe_of_an_earlier_run_is_read_in_the_words_of_today(tmp_path):
    view = {"group": "global", "size": 28, "ops": [{"name": "normalise", "p": 1.0}, {"name": "flip"}]}
    old = {"method": {"name": "dino", "centre_momentum": 0.8}, "views": [view]}
    (tmp_path / "config.json").write_text(json.dumps(old))
    read = recipes.of_run(str(tmp_path))
    assert read["method"] == {"name": "dino", "center_momentum": 0.8}
    assert [op["name"] for op in read["views"][0]["ops"]] == ["normalize", "flip"]
    assert set(recipes.RENAMED.values()) - {"center_momentum"} <= set(compose.GEOMETRIC) | set(compose.PHOTOMETRIC)


def test_a_resolved_recipe_survives_json(tmp_path):
    config = resolved()
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert recipes.load(str(tmp_path / "config.json")) == config


def test_overrides_reach_every_depth():
    config = resolved(**{"method.temperature": "0.5", "duration": "3 steps", "views.0.size": "24", "probe": "false"})
    assert config["method"]["temperature"] == 0.5 and config["duration"] == "3 steps"
    assert config["views"][0]["size"] == 24 and config["probe"] is False


def test_a_whole_number_may_stand_for_a_float():
    assert resolved(**{"method.temperature": "1"})["method"]["temperature"] == 1.0


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"method.temprature": "1"}, "no 'temprature' in config.method; did you mean temperature"),
        ({"nets.encoder.dept": "18"}, "no 'dept' in config.nets.encoder; did you mean depth"),
        ({"bach": "1"}, "no 'bach' in config; did you mean batch"),
        ({"views.3.size": "8"}, "no '3' in config.views"),
        ({"batch": "many"}, "config.batch is 'many', a str; it takes int"),
        ({"seed": "1.5"}, "config.seed is 1.5, a float; it takes int"),
        ({"method.temperature": "warm"}, "config.method.temperature is 'warm', a str; it takes float, such as"),
        ({"nets.encoder.name": "resnot"}, "no 'resnot' in ssl_jax.nets; did you mean resnet"),
        ({"method.name": "simclear"}, "no 'simclear' in ssl_jax.methods; did you mean simclr"),
        ({"optimizer.name": "adam"}, "no 'adam' in the optimizers; did you mean adamw"),
        ({"log.every.x": "1"}, "has no part 'x'"),
    ],
)
def test_mistakes_are_named_with_the_nearest_word(changes, sentence):
    with pytest.raises(ValueError) as caught:
        resolved(**changes)
    assert sentence in str(caught.value)


def test_a_missing_part_is_named():
    config = recipes.load("quickstart")
    del config["lr"]
    with pytest.raises(ValueError, match="says nothing of lr"):
        schema.resolve(config)


def test_an_unknown_recipe_is_named():
    with pytest.raises(ValueError, match="no 'quickstrat' in the recipes; did you mean quickstart"):
        recipes.load("quickstrat")
    with pytest.raises(ValueError, match="no recipe file 'there_is_none.py'"):
        recipes.load("there_is_none.py")


def test_only_the_free_parts_may_change_in_a_work_directory():
    old = resolved()
    recipes.check_same(old, resolved(duration="5 steps", **{"log.every": "1 step", "checkpoint.keep": "7"}), "W")
    with pytest.raises(ValueError, match=r"method.temperature was .*, is 0.9.*another --workdir"):
        recipes.check_same(old, resolved(**{"method.temperature": "0.9"}), "W")


def test_the_digest_is_of_the_experiment():
    assert recipes.digest(resolved()) == recipes.digest(resolved(duration="5 steps"))
    assert recipes.digest(resolved()) != recipes.digest(resolved(seed="1"))


def test_an_own_method_by_import_path():
    config = resolved(**{"method.name": "ssl_jax.methods.simclr:simclr"})
    assert config["method"]["temperature"] > 0
    with pytest.raises(ValueError, match="cannot import 'nowhere.at:all'"):
        resolved(**{"method.name": "nowhere.at:all"})
