"""Single values of a column of Parquet files, without the row groups that they lie in.

A row group of images has a hundred megabytes; the pages of its column have one. A page's header says where it begins
and how many rows it has (parquet.thrift, Apache Parquet's specification), so that one page is read for one value.
"""

import contextlib
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from ssl_jax.data import places

DICTIONARY, DATA, DATA2 = 2, 0, 3
"""The kinds of pages."""
PLAIN, INDEXED = 0, (2, 8)
"""Encodings: values one after the other, and numbers of values of the dictionary page."""
CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI", "ZSTD")
FIRST = 16 * 1024
"""Bytes in which a header is looked for; one may be longer, by the least and greatest values of its page."""
AHEAD = 4 * 2**20
"""Bytes that are read at once behind a network while headers of pages are looked for: a request costs as much time."""


class Damaged(Exception):
    """Bytes are not what the specification says."""


WRONG = (
    *(Damaged, IndexError, KeyError, MemoryError, OSError, OverflowError, RecursionError, TypeError, ValueError),
    pa.ArrowException,
)
"""What reading damaged bytes ends in."""


class Page(NamedTuple):
    """Where a page's bytes lie (start, stored), how many they are unpacked, how many values it has, how they are
    encoded, and, of the second kind of data pages, the bytes of levels before the values (0 of the first kind)."""

    kind: int
    start: int
    stored: int
    size: int
    values: int
    encoding: int
    levels: int
    packed: bool


class Window:
    """The bytes of a file up to `end`, of which the last that were read are kept. ahead: so many are read at least."""

    def __init__(self, path: str, end: int, ahead: int):
        self.path, self.end, self.ahead, self.at, self.data = path, end, ahead, 0, b""

    def read(self, start: int, size: int) -> bytes:
        """As `places.span`; without a request where these bytes are there."""
        if not self.at <= start <= start + size <= self.at + len(self.data):
            more = max(size, min(self.ahead, self.end - start))
            self.at, self.data = start, places.span(self.path, start, more)
        return self.data[start - self.at : start - self.at + size]


class Column:
    """One column of bytes, without lists, of the row groups of several files."""

    def __init__(self, files: Sequence[str], footers: Sequence[parquet.FileMetaData], path: str):
        """path: of the column, with dots between the names of structs and fields. footers: of the files."""
        self.files, self.path = files, path
        self.where = [(f, g) for f, footer in enumerate(footers) for g in range(footer.num_row_groups)]
        self.ends = np.cumsum([footers[f].row_group(g).num_rows for f, g in self.where])
        number = [footers[0].schema.column(k).path for k in range(footers[0].num_columns)].index(path)
        self.most = footers[0].schema.column(number).max_definition_level
        chunks = [footers[f].row_group(g).column(number) for f, g in self.where]
        self.codec = [chunk.compression for chunk in chunks]
        begins = [chunk.dictionary_page_offset or chunk.data_page_offset for chunk in chunks]
        begins = [min(b, chunk.data_page_offset) for b, chunk in zip(begins, chunks, strict=True)]
        self.spans = [(b, b + chunk.total_compressed_size) for b, chunk in zip(begins, chunks, strict=True)]
        self.rows = np.diff(self.ends, prepend=0)
        self.known: dict[int, tuple[list[Page], np.ndarray, Page | None]] = {}
        self.locks = [threading.Lock() for _ in self.where]

    def take(self, rows: np.ndarray) -> list[bytes | None]:
        """The values of rows, int64 [k]: None for one that is missing or cannot be read."""
        found: list[bytes | None] = [None] * len(rows)
        groups = np.searchsorted(self.ends, rows, side="right")
        for group in np.unique(groups):
            slots = np.flatnonzero(groups == group)
            inside = rows[slots] - (self.ends[group] - self.rows[group])
            with contextlib.suppress(*WRONG):
                for slot, value in zip(slots, self._of_group(int(group), inside), strict=True):
                    found[slot] = value
        return found

    def _of_group(self, group: int, rows: np.ndarray) -> list[bytes | None]:
        if self.codec[group] not in CODECS:
            return self._whole(group, rows)
        (path, remote), (begin, end) = self._file(group), self.spans[group]
        whole = remote and 2 * len(rows) > self.rows[group]  # one request for all, since most of it is wanted
        window = Window(path, end, end - begin if whole else 0)
        pages, ends, dictionary = self._pages(group, window if whole else Window(path, end, AHEAD if remote else 0))
        if any(page.encoding not in (PLAIN, *INDEXED) for page in pages):
            return self._whole(group, rows)
        found: dict[int, bytes | None] = {}
        which = np.searchsorted(ends, rows, side="right")
        for number in np.unique(which):
            page = pages[number]
            wanted = sorted({int(row) for row in rows[which == number]})
            inside = [row - int(ends[number]) + page.values for row in wanted]
            with contextlib.suppress(*WRONG):  # the other pages are read
                found |= dict(zip(wanted, self._values(group, window, page, inside, dictionary), strict=True))
        return [found.get(int(row)) for row in rows]

    def _file(self, group: int) -> tuple[str, bool]:
        """(the file of a row group, whether it lies behind a network)."""
        path = self.files[self.where[group][0]]
        return path, "://" in path

    def _pages(self, group: int, window: Window) -> tuple[list[Page], np.ndarray, Page | None]:
        """The data pages of a row group, where their rows end, and the page of its dictionary."""
        with self.locks[group]:
            if group not in self.known:
                pages, dictionary, (at, end) = [], None, self.spans[group]
                while at < end:
                    page = self._page(window, at)
                    at = page.start + page.stored
                    if page.kind == DICTIONARY:
                        dictionary = page
                    elif page.kind in (DATA, DATA2):
                        pages.append(page)
                ends = np.cumsum([page.values for page in pages])
                if not len(ends) or ends[-1] != self.rows[group]:
                    raise Damaged("pages that have other rows than their group")
                self.known[group] = pages, ends, dictionary
            return self.known[group]

    def _page(self, window: Window, at: int) -> Page:
        rest = window.end - at
        for size in (FIRST, rest):
            data = window.read(at, min(size, rest))
            try:
                fields, length = struct(data, 0)
            except IndexError:
                continue
            if fields[3] < 0:
                raise Damaged("a page of fewer bytes than none")
            head = next((fields[k] for k in (5, 7, 8) if k in fields), {})
            second = fields[1] == DATA2
            kind, encoding = fields[1], head.get(4 if second else 2, PLAIN)
            levels = head.get(5, 0) + head.get(6, 0) if second else 0
            packed = bool(head.get(7, True)) if second else True
            return Page(kind, at + length, fields[3], fields[2], head.get(1, 0), encoding, levels, packed)
        raise Damaged("a page without a header")

    def _body(self, group: int, window: Window, page: Page) -> bytes:
        """The bytes of a page, unpacked."""
        data = window.read(page.start, page.stored)
        if len(data) < page.stored:
            raise Damaged("a page that ends early")
        codec = self.codec[group]
        if codec == "UNCOMPRESSED" or not page.packed:
            return data
        rest = pa.decompress(data[page.levels :], page.size - page.levels, codec.lower(), asbytes=True)
        return data[: page.levels] + rest

    def _values(
        self, group: int, window: Window, page: Page, rows: Sequence[int], dictionary: Page | None
    ) -> list[bytes | None]:
        """Values of a page, by rising numbers of its rows."""
        data, there, at = self._body(group, window, page), None, page.levels
        if self.most:
            size = page.levels or int.from_bytes(data[:4], "little")
            begin = 0 if page.levels else 4
            at = begin + size
            there = runs(data[begin:at], self.most.bit_length(), page.values) == self.most
        before = np.arange(page.values) if there is None else np.cumsum(there) - 1
        real = [row for row in rows if there is None or there[row]]
        wanted = [int(before[row]) for row in real]
        if page.encoding == PLAIN:
            values = plain(memoryview(data)[at:], wanted)
        else:
            if dictionary is None:
                raise Damaged("values of a dictionary that is not there")
            indices = runs(data[at + 1 :], data[at], int(before[-1]) + 1)[wanted].tolist()
            needed = sorted({*indices})
            found = dict(zip(needed, plain(self._body(group, window, dictionary), needed), strict=True))
            values = [found[index] for index in indices]
        known = dict(zip(real, values, strict=True))
        return [known.get(row) for row in rows]

    def _whole(self, group: int, rows: np.ndarray) -> list[bytes | None]:
        """Values by way of their whole row group, for encodings and codecs that are not read here."""
        file, number = self.where[group]
        with places.opened(self.files[file]) as opened:
            column = parquet.ParquetFile(opened).read_row_group(number, columns=[self.path]).column(0)
        for field in self.path.split(".")[1:]:
            column = pa.chunked_array([column.combine_chunks().field(field)])
        return [column[int(row)].as_py() for row in rows]


def plain(data: bytes | memoryview, wanted: Sequence[int]) -> list[bytes]:
    """Values by rising numbers, out of values one after the other, each after its length."""
    found, at, number = [], 0, 0
    for each in wanted:
        while number < each:
            at += 4 + int.from_bytes(data[at : at + 4], "little")
            number += 1
        begin = at + 4
        end = begin + int.from_bytes(data[at:begin], "little")
        if end > len(data):
            raise Damaged("a value that ends behind its page")
        found.append(bytes(data[begin:end]))
    return found


def runs(data: bytes, bits: int, count: int) -> np.ndarray:
    """int64 [count], out of runs of one number and of packed numbers of so many bits."""
    found, at, have = [np.zeros(0, np.int64)], 0, 0
    width = -(-bits // 8)
    while have < count:
        head, at = varint(data, at)
        if head & 1:
            packed = np.frombuffer(data, np.uint8, (head >> 1) * bits, at)
            flat = np.unpackbits(packed, bitorder="little").reshape(-1, max(bits, 1)).astype(np.int64)
            part, at = flat @ (1 << np.arange(max(bits, 1))), at + (head >> 1) * bits
        else:
            part, at = (
                np.full(min(head >> 1, count - have), int.from_bytes(data[at : at + width], "little"), np.int64),
                at + width,
            )
        found.append(part)
        have += len(part)
    return np.concatenate(found)[:count]


def varint(data: bytes, at: int) -> tuple[int, int]:
    """(a number of seven bits a byte, where it ends)."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """({number of a field: value}, where it ends) of a struct in Thrift's compact protocol."""
    fields, last = {}, 0
    while data[at]:
        kind, step = data[at] & 15, data[at] >> 4
        at += 1
        if not step:
            step, at = varint(data, at)
            last, step = 0, step >> 1 ^ -(step & 1)
        last += step
        fields[last], at = _value(data, at, kind)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2):
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        value, at = varint(data, at)
        return value >> 1 ^ -(value & 1), at
    if kind == 7:
        return data[at : at + 8], at + 8
    if kind == 8:
        size, at = varint(data, at)
        return data[at : at + size], at + size
    if kind == 12:
        return struct(data, at)
    raise Damaged(f"a field of the kind {kind} in the header of a page")
