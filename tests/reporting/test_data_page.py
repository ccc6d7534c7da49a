"""The page of `ssl-jax data check --html`: whole, by itself, and true to the files."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssl_jax.cli.main import main
from ssl_jax.data import check, sources
from ssl_jax.data import source as data_source
from ssl_jax.reporting import data_page, page, thumbnails
from tests.data import forms


class Reader(HTMLParser):
    """What a page holds: how often each tag is there, its pictures, links and text by section."""

    def __init__(self, text):
        super().__init__()
        self.open, self.pictures, self.links, self.tags, self.section, self.said = [], [], [], {}, "", {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.section = attributes["id"] if tag == "section" else self.section
        self.pictures += [(self.section, attributes["alt"], attributes["src"])] if tag == "img" else []
        self.links += [value for key, value in attributes.items() if key in ("href", "src")]
        self.open += [] if tag in ("img", "meta") else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said[self.section] = self.said.get(self.section, "") + data


def read(path):
    text = path.read_text()
    found = Reader(text)
    assert found.open == [] and not {"script", "link", "iframe", "form"} & set(found.tags)
    assert all(link.startswith(("data:image/", "#")) for link in found.links), "something lies elsewhere"
    assert "@import" not in text and "url(" not in text and 'name="viewport"' in text
    return found


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of two classes with a copy, a near copy, a turned, a gray and a damaged file, and an odd name."""
    root = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(0)
    made = rng.integers(0, 256, (12, 6, 8, 3), np.uint8).repeat(12, 1).repeat(12, 2)
    for k, image in enumerate(made):
        (root / "set" / "ab"[k % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[:, : 80 + k]).save(root / "set" / "ab"[k % 2] / f"{k:02d}.png")
    Image.fromarray(made[3][:, :83]).save(root / "set" / "a" / "<b>copy&.bmp")
    Image.fromarray(made[4][:, :84]).resize((60, 50)).save(root / "set" / "a" / "near.jpg", quality=70)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(made[5][:40]).save(root / "set" / "b" / "turned.jpg", exif=exif)
    Image.fromarray(made[6][:40, :40, 0]).save(root / "set" / "b" / "gray.png")
    (root / "set" / "b" / "damaged.png").write_bytes(b"garbage")
    return root


@pytest.fixture(scope="module")
def shown(place):
    path = place / "out.html"
    assert main(["data", "check", f"folder:{place}/set", f"--html={path}"]) == 0
    return read(path)


def test_the_page_shows_every_picture_with_its_name_and_label(shown):
    sheet = [(name, url) for section, name, url in shown.pictures if section == "pictures"]
    assert len(sheet) == 16 and any("<b>copy&.bmp" in name for name, _ in sheet)
    of_three = next(url for name, url in sheet if name.endswith("03.png"))
    assert of_three.startswith("data:image/png") and pixels(of_three).shape == (72, 83, 3)
    assert "<b>copy&.bmp · a" in shown.said["pictures"]


def test_duplicates_stand_side_by_side_and_labels_that_differ_are_told(shown):
    beside = {
        section: [name.rpartition("/")[2] for s, name, _ in shown.pictures if s == section] for section in shown.said
    }
    assert sorted(beside["exact-copies"]) == ["03.png", "<b>copy&.bmp"]
    assert "labels differ" in shown.said["exact-copies"] and "labels differ" not in shown.said["nearly-alike"]
    assert beside["nearly-alike"] == ["04.png", "near.jpg"]


def test_what_is_left_out_has_its_reason_and_what_is_changed_is_counted(shown):
    said = shown.said["left-out-and-changed"]
    assert "damaged.png" in said and "no image of a known format begins like this" in said
    assert "1 images of 1 channels are read as 3" in said and "1 images are turned upright" in said


def test_statistics_and_labels_are_those_of_the_report(shown, place):
    report = check.check(sources.open(f"folder:{place}/set"))
    assert check.stats(report) in shown.said["statistics"]
    for name, count in report["labels"].items():
        assert re.search(rf"{name}\s*{count}", shown.said["labels"])
    assert "BMP" in shown.said["sizes"] and "JPEG" in shown.said["sizes"] and "83 × 72" in shown.said["sizes"]


def test_json_and_page_together(place, capsys):
    path = place / "again.html"
    assert main(["data", "check", f"folder:{place}/set", f"--html={path}", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["duplicates"]["exact"]) == 1 and len(report["duplicates"]["near"]) == 1
    assert path.read_text() == (place / "out.html").read_text(), "the same page for the same files"


def mixed(place, files):
    every = [*files.items()]
    return f"mix:1*{forms.folder(place, dict(every[:6]))}+2*{forms.zipped(place, dict(every[6:]))}"


@pytest.mark.parametrize(
    "form",
    [forms.table, forms.zipped, forms.tarred, forms.parquets, forms.saved, mixed],
    ids=lambda form: form.__name__,
)
def test_every_form_of_a_dataset_has_a_page(form, tmp_path):
    files = forms.pictures(11)
    copied = dict(sorted({**files, "cat/zz.png": files["ant/00.png"]}.items()))
    assert main(["data", "check", form(tmp_path, copied), f"--html={tmp_path}/out.html"]) == 0
    found = read(tmp_path / "out.html")
    assert sum(section == "pictures" for section, *_ in found.pictures) == 12
    copies = [pixels(url) for section, _, url in found.pictures if section == "exact-copies"]
    assert len(copies) == 2
    np.testing.assert_array_equal(*copies)


@pytest.mark.parametrize("seek", [1, 2000])
def test_pictures_of_a_source_that_is_only_read_in_order_are_those_of_random_access(seek, monkeypatch):
    monkeypatch.setattr(data_source, "SEEK", seek)
    source = sources.arrays(np.random.default_rng(0).integers(0, 256, (9, 5, 6, 3), np.uint8))
    scan = lambda start, stop: tf.data.Dataset.range(start, stop).map(source.read)  # noqa: E731
    assert thumbnails.of(source._replace(read=None, scan=scan), [7, 2, 2]) == thumbnails.of(source, [2, 7])


@pytest.mark.parametrize("channels, dtype", [(12, np.uint16), (2, np.uint8), (1, np.uint16), (4, np.uint8)])
def test_any_number_of_channels_and_bits_has_a_page(channels, dtype, tmp_path):
    source = sources.arrays(np.random.default_rng(0).integers(90, 200, (9, 20, 30, channels)).astype(dtype))
    report, seen = check.examined(source)
    data_page.write(tmp_path / "out.html", source, report, seen)
    found = read(tmp_path / "out.html")
    image = pixels(found.pictures[0][2])
    assert image.shape == ((20, 30) if channels < 3 else (20, 30, 3))
    stretched = dtype == np.uint16 or channels in (2, 12)
    assert ("stretched" in found.said["pictures"]) == stretched and (np.ptp(image) > 250) == stretched
    assert f"{channels} × {8 * np.dtype(dtype).itemsize}" in found.said[""]


def test_large_pictures_are_shrunk_and_nothing_is_drawn_of_what_went_away(tmp_path):
    large = np.random.default_rng(0).integers(0, 256, (400, 1000, 3), np.uint8)
    assert pixels(thumbnails.url(large)).shape == (64, 160, 3)
    for k in range(3):
        Image.fromarray(large[:50, :50]).save(tmp_path / f"{k}.png")
    source = sources.open(f"folder:{tmp_path}")
    report, seen = check.examined(source)
    (tmp_path / "1.png").unlink()
    data_page.write(tmp_path / "out.html", source, report, seen)
    assert "cannot be drawn" in (tmp_path / "out.html").read_text()


def test_nothing_but_unreadable_files_have_a_page(tmp_path):
    for k in range(3):
        (tmp_path / f"{k}.png").write_bytes(b"garbage")
    assert main(["data", "check", f"folder:{tmp_path}", f"--html={tmp_path}/out.html"]) == 0
    found = read(tmp_path / "out.html")
    assert found.pictures == [] and "3 cannot be read" in found.said["left-out-and-changed"]


def test_histograms_of_one_value_and_of_many():
    text = lambda element: "".join(element.itertext())  # noqa: E731
    assert "all 32 px" in text(page.histogram("Width", np.full(9, 32), unit="px"))
    wide = page.histogram("Width", np.geomspace(1, 10_000, 100).round(), unit="px")
    assert "logarithmic" in text(wide) and "10,000 px" in text(wide)
    columns = page.histogram("Width", np.array([1, 1, 2, 4])).findall(".//div[@title]")
    assert [column.get("title").rpartition(" ")[2] for column in columns] == ["2", "1", "0", "1"]


@pytest.mark.parametrize(
    "flags, said",
    [
        (("check", "--html=page.txt"), "--html=page.txt is no name of a page; write --html=FILE.html"),
        (("check", "--html=no/such/page.html"), "no/such is no folder"),
        (("check", "--html="), "--html= is no name of a page"),
        (("convert", "--html=a.html", "--to=arrayrecord:out"), "a page of what check finds; leave it out of convert"),
        (("check", "--html=a.html", "--dir=x"), "no images there"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(flags, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(["data", flags[0], "folder:empty", *flags[1:]]) == 2
    words = capsys.readouterr().err.strip()
    assert said in words and "\n" not in words and [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_examples_without_images_have_no_page(tmp_path):
    source = sources.arrays(np.zeros((4, 5, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="has no images"):
        check.examined(source._replace(parts={"points": None}))
