"""`ssl-jax report` of a small run, from end to end: what is on the page, and the page in a browser."""

import json
import re
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from ssl_jax import evals
from ssl_jax.cli import main

SMALL = (
    *("--config=mae_cifar10", "--config.batch=8", "--config.duration=3 steps", "--config.log.every=1 step"),
    *("--config.evaluation.every=never", "--config.evaluation.final=knn", "--config.method.patch=8"),
    *("--config.nets.encoder.variant=(16, 1, 2, 8)", "--config.nets.decoder.patch=8"),
    *("--config.nets.decoder.width=16", "--config.nets.decoder.heads=2"),
)
SECTIONS = ["scores", "curves", "views", "map-of-the-embedding", "nearest-neighbors", "confusion-of-the-probe"]
SECTIONS += ["attention", "tokens-as-colors", "time", "environment", "recipe"]


def images(root, classes, count):
    """Folders of noise that is light in the half that tells the class."""
    for place, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for k in range(count):
            pixels = np.random.default_rng([place, k]).integers(0, 90, (16, 16, 3), np.uint8)
            pixels[8 * place : 8 * place + 8] += 150
            Image.fromarray(pixels).save(root / name / f"{k}.png")
    return f"folder:{root}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The work directory of a small run, with pictures as a method may make them."""
    place = tmp_path_factory.mktemp("report")
    data = [
        f"--config.data.{role}={images(place / role, ('low', 'top'), n)}" for role, n in (("train", 30), ("test", 9))
    ]
    assert main.main(["train", f"--workdir={place}/mine", *SMALL, *data]) == 0
    (place / "mine" / "pictures").mkdir(exist_ok=True)
    for step in (1, 2, 3):
        shutil.copy(place / "mine" / "views.png", place / "mine" / "pictures" / f"samples-{step:06d}.png")
    return place / "mine"


@pytest.fixture(scope="module")
def made(run):
    """The page of that run."""
    out = run.parent / "new" / "report.html"
    assert main.main(["report", str(run), f"--out={out}", "--examples=12"]) == 0
    return out


def sections(path) -> dict[str, str]:
    return dict(re.findall(r'<section id="([^"]+)">(.*?)</section>', path.read_text(), re.DOTALL))


def figures(text) -> list[dict]:
    """Plotly's figures of a section."""
    return [json.loads(each) for each in re.findall(r'<script type="application/json">(.*?)</script>', text)]


def test_the_page_has_all_that_there_is_of_the_run(run, made):
    found, result = sections(made), json.loads((run / "result.json").read_text())
    assert [name for name in found if name != "pictures-of-the-run"] == SECTIONS
    assert f"{100 * result['knn']['pretrained']:.1f}" in found["scores"] and "raw pixels" in found["scores"]
    titles = [figure["layout"]["title"]["text"] for figure in figures(found["curves"])]
    assert {"loss", "learning rate", "images a second", "grad_norm/encoder"} <= set(titles)
    assert found["views"].count("data:image/png") == 1
    assert "step 3" in found["pictures-of-the-run"] and "step 1" in found["pictures-of-the-run"].partition("earlier")[2]
    assert result["environment"]["jax"] in found["environment"] and "cpu" in found["environment"]
    assert json.dumps(json.loads((run / "config.json").read_text())["method"]["mask_ratio"]) in found["recipe"]
    assert [bar["name"] for bar in figures(found["time"])[0]["data"]][0] == "start-up"


def test_the_page_has_what_the_encoder_sees(made):
    found = sections(made)
    flat, tsne = figures(found["map-of-the-embedding"])
    assert [trace["name"] for trace in flat["data"]] == ["low", "top"] and "t-SNE" in tsne["layout"]["title"]["text"]
    held = json.loads(re.search(r'id="shelf-mine">(.*?)</script>', found["map-of-the-embedding"])[1])
    assert len(held["urls"]) == 12 and all(url.startswith("data:image/png") for url in held["urls"])
    assert held["texts"][0].startswith("low · ") and held["texts"][0].endswith("0.png")
    assert found["nearest-neighbors"].count("<img") == 8 * (1 + 7)
    assert "48 training examples" in found["confusion-of-the-probe"] and "18 test" in found["confusion-of-the-probe"]
    [heat] = figures(found["confusion-of-the-probe"])
    assert heat["data"][0]["x"] == ["low", "top"]
    assert found["attention"].count("<img") == 8 * (1 + 1 + 2) and "class token" in found["attention"]
    assert found["tokens-as-colors"].count("<img") == 8 * 2


def test_the_page_needs_nothing_else(made):
    text = made.read_text()
    assert text.count("plotly.js v") == 1 and text.count("<html") == 1
    assert not re.search(r"<(link|iframe)|src=\"(?!data:)|url\((?!data:|#|&quot;|\"|')", text.partition("<script>")[0])


def test_runs_stand_side_by_side_with_what_differs_and_one_that_has_not_ended(run, tmp_path):
    config = json.loads((run / "config.json").read_text())
    for name, keep in (("warm", True), ("begun", False)):
        shutil.copytree(
            run, tmp_path / name, ignore=shutil.ignore_patterns("tensorboard", *[] if keep else ["*t.json"])
        )
        (tmp_path / name / "config.json").write_text(json.dumps(config | {"seed": 7, "batch": 16 if keep else 8}))
    shutil.rmtree(tmp_path / "begun" / "checkpoints")
    out = tmp_path / "all.html"
    flags = ["report", str(run), f"{tmp_path}/warm/", f"{tmp_path}/begun", f"--out={out}", "--examples=8"]
    assert main.main(flags) == 0
    found, text = sections(out), out.read_text()
    table = re.findall(r"<td>(.*?)</td>", found["differences-of-the-recipes"])
    assert table == ["seed", "0", "7", "7", "batch", "8", "16", "8"]
    assert [line["name"] for line in figures(found["curves"])[0]["data"]] == ["mine", "warm", "begun"]
    assert "The run has not ended: there is no result.json" in text and "at step 3, of 3 steps" in text
    assert "There are no scores yet." in found["scores"] and "has no checkpoint" in found["map-of-the-embedding"]
    assert len(figures(found["map-of-the-embedding"])) == 4


def test_examples_without_labels_are_shown_without_a_probe(run, tmp_path):
    images(tmp_path / "set", [""], 10)
    out = tmp_path / "report.html"
    flags = ["report", str(run), f"--out={out}", f"--data=folder:{tmp_path}/set", "--examples=9"]
    assert main.main(flags) == 0
    found = sections(out)
    assert "There are no labels" in found["map-of-the-embedding"] and len(figures(found["map-of-the-embedding"])) == 2
    assert "There is no confusion matrix: " in found["confusion-of-the-probe"]


def test_data_that_went_away_leave_what_the_work_directory_holds(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "moved")
    config = json.loads((run / "config.json").read_text())
    config["data"]["test"] = f"folder:{tmp_path}/gone"
    (tmp_path / "moved" / "config.json").write_text(json.dumps(config))
    assert main.main(["report", f"{tmp_path}/moved", f"--out={tmp_path}/report.html"]) == 0
    assert f"{tmp_path}/gone" in capsys.readouterr().out
    found = sections(tmp_path / "report.html")
    assert f"{tmp_path}/gone" in found["attention"] and "pre-trained" in found["scores"]


@pytest.mark.parametrize(
    "flags, said",
    [
        (["/not/there"], "/not/there is not the work directory of a run: it has no config.json"),
        (["RUN", "RUN/"], "is named twice: name each work directory once"),
        (["RUN", "--out=PLACE/report.pdf"], "the report is one page; name a file such as report.html"),
        (["RUN", "--examples=3"], "--examples=3: take 0, or 4 to 10,000 examples"),
        (["RUN", "--out=PLACE/folder.html"], "is a folder; name a file such as"),
        (["DAMAGED"], "result.json is damaged"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(run, flags, said, tmp_path, capsys):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "damaged").mkdir()
    shutil.copy(run / "config.json", tmp_path / "damaged" / "config.json")
    (tmp_path / "damaged" / "result.json").write_text("{")
    named = {"RUN": str(run), "PLACE": str(tmp_path), "DAMAGED": f"{tmp_path}/damaged"}
    before = sorted(tmp_path.rglob("*"))
    flags = [re.sub("RUN|PLACE|DAMAGED", lambda word: named[word[0]], flag) for flag in flags]
    assert main.main(["report", f"--out={tmp_path}/report.html", *flags]) == 2
    words = capsys.readouterr().err.strip()
    assert said in words and "\n" not in words and sorted(tmp_path.rglob("*")) == before


def test_a_missing_library_is_told_with_its_extra(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    for name in ("evals.manifold", "features.inspection"):
        monkeypatch.delitem(sys.modules, f"ssl_jax.{name}", raising=False)
    monkeypatch.delattr(evals, "manifold", raising=False)
    assert main.main(["report", str(run), f"--out={tmp_path}/report.html"]) == 2
    assert "a report is made with sklearn: pip install 'ssl_jax[report]'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def chromium():
    """A real browser without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright, which is not installed")
    own = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with api.sync_playwright() as player:
        try:
            browser = player.chromium.launch(executable_path=own, args=["--no-sandbox"])
        except api.Error as error:
            pytest.skip(f"there is no Chromium that starts: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_complaint_or_network(made, chromium, width, scheme):
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(made.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.figure')].every(box => box.dataset.drawn)")
    page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager'; })")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('.figure .main-svg')].length") > 10
    ink = page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill")
    assert (sum(map(int, re.findall(r"\d+", ink)[:3])) > 400) == (scheme == "dark"), ink
    page.locator("#map-of-the-embedding .figure").first.scroll_into_view_if_needed()
    page.locator("#map-of-the-embedding .figure .point").first.hover(force=True)
    page.wait_for_function("!document.getElementById('tip').hidden")
    assert page.locator("#tip img").count() == 1 and ".png" in page.locator("#tip").inner_text()
    assert said == [] and [url for url in asked if not url.startswith(("data:", made.as_uri()))] == []
    page.close()
