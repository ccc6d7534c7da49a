"""Single values of Parquet files equal those of pyarrow, for every way in which a column is written."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ssl_jax.data import pages
from tests import buckets

RNG = np.random.default_rng(0)
VALUES = [RNG.bytes(int(size)) for size in RNG.integers(0, 900, 400)]
VALUES = VALUES[:150] + [VALUES[k % 5] for k in range(150)] + VALUES[150:]
NULLS = [None if k % 7 in (0, 3) or 40 < k < 90 else value for k, value in enumerate(VALUES)]


def written(path, values, *, struct, **options):
    """A file with the column "a", or "a.bytes", in row groups of 130 rows and pages of some 4 KB."""
    field = pa.field("bytes", pa.binary(), nullable=None in values)
    column = pa.array(values, pa.binary())
    if struct:
        column = pa.StructArray.from_arrays(
            [column, pa.array(["p"] * len(values))], fields=[field, pa.field("path", pa.string())]
        )
        field = pa.field("a", column.type)
    table = pa.table([column], schema=pa.schema([field.with_name("a")]))
    parquet.write_table(table, path, row_group_size=130, data_page_size=4000, write_batch_size=8, **options)
    return pages.Column([str(path)] * 2, [parquet.read_metadata(path)] * 2, "a.bytes" if struct else "a")


@pytest.mark.parametrize("values", [VALUES, NULLS], ids=["all", "some"])
@pytest.mark.parametrize("version, struct", [*itertools.product(["1.0", "2.0"], [False, True])])
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("encoding", ["PLAIN", "dictionary", "DELTA_LENGTH_BYTE_ARRAY"])
def test_every_layout(tmp_path, values, version, struct, codec, encoding):
    name = "a.bytes" if struct else "a"
    how = dict(use_dictionary=True) if encoding == "dictionary" else dict(column_encoding={name: encoding})
    how = how if encoding == "dictionary" else {**how, "use_dictionary": False}
    column = written(tmp_path / "a.parquet", values, struct=struct, compression=codec, data_page_version=version, **how)
    rows = np.random.default_rng(1).integers(0, 2 * len(values), 150)
    assert column.take(rows) == [values[row % len(values)] for row in rows]
    assert column.take(np.arange(2 * len(values))) == values * 2
    assert column.take(np.zeros(0, np.int64)) == []


def test_one_value_takes_one_page(tmp_path, monkeypatch):
    column = written(tmp_path / "a.parquet", VALUES, struct=True, compression="none", use_dictionary=False)
    column.take(np.array([0, 200]))
    read, span = [], pages.places.span
    monkeypatch.setattr(pages.places, "span", lambda *place: read.append(place[2]) or span(*place))
    assert column.take(np.array([100])) == [VALUES[100]]
    [size] = read
    assert len(VALUES[100]) < size < 10_000 < column.spans[0][1] - column.spans[0][0]


def test_a_network_is_asked_for_blocks(tmp_path, monkeypatch):
    """A request for all of a row group; of single values one for headers of several pages, and one for each page."""
    (tmp_path / "set").mkdir()
    written(tmp_path / "set" / "a.parquet", VALUES, struct=True, compression="snappy", use_dictionary=False)
    path = f"{buckets.bucket(monkeypatch, tmp_path / 'set', 'pages')}/a.parquet"
    footer = parquet.read_metadata(tmp_path / "set" / "a.parquet")
    asked, span = [], pages.places.span
    monkeypatch.setattr(pages.places, "span", lambda *place: asked.append(place[2]) or span(*place))

    def requests(rows):
        del asked[:]
        assert column.take(np.asarray(rows)) == [VALUES[row] for row in rows]
        return len(asked)

    column = pages.Column([path], [footer], "a.bytes")
    groups, (begin, end) = footer.num_row_groups, column.spans[0]
    assert requests(range(len(VALUES))) == groups == 5 and asked[0] == end - begin
    column = pages.Column([path], [footer], "a.bytes")
    assert requests([3]) == 2 and requests([100]) == 1 and requests([5, 6, 7, 120]) == 2
    assert len(column.known[0][0]) == 10  # pages, each of which had a request for its header
    assert requests(range(130, 230)) == 1
    monkeypatch.setattr(pages, "AHEAD", 40_000)
    column = pages.Column([path], [footer], "a.bytes")
    assert 3 <= requests([3]) <= 5 and max(asked) == 40_000


def test_what_lies_behind_the_end_of_a_remote_file_is_not_there(tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").write_bytes(b"0123456789")
    root = buckets.bucket(monkeypatch, tmp_path / "set", "ends")
    for place, expected in (((2, 3), b"234"), ((8, 9), b"89"), ((10, 5), b""), ((30, 5), b""), ((0, 0), b"")):
        assert pages.places.span(f"{root}/a", *place) == pages.places.span(f"{tmp_path}/set/a", *place) == expected
    assert pages.places.span(f"{root}/none", 0, 5) == b""


def test_what_is_damaged_is_none_and_its_neighbors_are_read(tmp_path):
    path = tmp_path / "a.parquet"
    column = written(path, VALUES, struct=True, compression="snappy", use_dictionary=False)
    whole = column.take(np.arange(len(VALUES)))
    start = column.known[1][0][1].start
    data = bytearray(path.read_bytes())
    data[start : start + 400] = bytes(400)
    path.write_bytes(data)
    found = column.take(np.arange(len(VALUES)))
    wrong = [k for k, (a, b) in enumerate(zip(found, whole, strict=True)) if a != b]
    assert wrong and set(wrong) < set(range(130, 260)) and all(found[k] is None for k in wrong)
    fresh = pages.Column([str(path)], [parquet.read_metadata(path)], "a.bytes")
    data[fresh.spans[0][0] : fresh.spans[0][0] + 30] = b"\xff" * 30
    path.write_bytes(data)
    assert fresh.take(np.array([3, 300])) == [None, VALUES[300]]


def test_bytes_that_are_no_header_are_damaged():
    for data in (b"\x15\x00\x19", b"\xff" * 40, b"\x1b\x00"):
        with pytest.raises((pages.Damaged, IndexError)):
            pages.struct(data, 0)
    with pytest.raises(RecursionError):  # one of `WRONG`
        pages.struct(b"\x1c" * 16_000, 0)
    with pytest.raises(pages.Damaged, match="ends behind its page"):
        pages.plain(b"\x09\x00\x00\x00abc", [0])


def test_flipped_bytes_end_nothing(tmp_path):
    """Whatever lies between the header and the footer: each value is that of the file, None, or other bytes."""
    rng = np.random.default_rng(2)
    for k, how in enumerate((dict(use_dictionary=False), dict(use_dictionary=True), dict(data_page_version="2.0"))):
        path = tmp_path / f"{k}.parquet"
        column = written(path, NULLS, struct=True, compression="snappy", **how)
        good, end = path.read_bytes(), column.spans[-1][1]
        footer = parquet.read_metadata(path)
        for _ in range(60):
            data = bytearray(good)
            for place in rng.integers(4, end, 20):
                data[place] ^= 1 << rng.integers(8)
            path.write_bytes(data)
            found = pages.Column([str(path)], [footer], "a.bytes").take(np.arange(len(NULLS)))
            assert len(found) == len(NULLS) and all(value is None or isinstance(value, bytes) for value in found)
