"""A plugin's format is read by name, suffix or content, and built-in formats stay what they are."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from taskzoo import registry
from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader, Reader, ReadRequest
from taskzoo.errors import PluginError, UnknownNameError
from taskzoo.types import Row

from .conftest import Write
from .kit import TEXT, make_spec, pairs, read, refused, texts


class Shouts(Reader):
    name = "shouts"
    suffixes = (".shout", ".csv")

    def read(self, path: Path, request: ReadRequest) -> list[Row]:
        columns = Columns(request, str(path))
        lines = path.read_text(encoding="utf-8").splitlines()
        return [columns.row({"text": line.upper(), "label": "loud"}, n) for n, line in enumerate(lines, 1)]


class Nested(FileReader):
    name = "nested"

    def matches(self, head: bytes) -> bool:
        return head.startswith(b'{"version"')

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        return columns.rows(list(enumerate(json.loads(data)["data"], 1)))


@pytest.fixture(autouse=True)
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = {"shouts": Shouts, "nested": Nested}
    entries = [*registry.readers(), *(SimpleNamespace(name=name) for name in readers)]
    built_in = registry.reader
    monkeypatch.setattr(registry, "readers", lambda: entries, raising=False)
    monkeypatch.setattr(registry, "reader", lambda name: readers.get(name) or built_in(name), raising=False)


def test_by_name_and_suffix(write: Write) -> None:
    assert pairs(texts(write("a.shout", "hi\n"))) == [("HI", "loud")]
    assert pairs(texts(write("a.txt", "hi\n"), format="shouts")) == [("HI", "loud")]


def test_suffixes_of_built_in_formats_stay_with_these(write: Write) -> None:
    assert pairs(texts(write("a.csv", "text,label\nhi,low\n"))) == [("hi", "low")]


def test_by_content(write: Write) -> None:
    path = write(
        "squad.json", '{"version": "2", "data": [{"Sentence": "hi", "label": "low"}, {"Sentence": "", "label": "x"}]}'
    )
    refused(path, "the text is empty", line=2)
    path = write("squad.json", '{"version": "2", "data": [{"Sentence": "hi", "label": "low"}]}')
    assert pairs(texts(path)) == [("hi", "low")]


def test_no_rows(write: Write) -> None:
    refused(write("a.json", '{"version": "2", "data": []}'), "no rows were found, reading it as nested")


def test_a_folder(tmp_path: Path) -> None:
    class Folder(Shouts):
        def read(self, path: Path, request: ReadRequest) -> list[Row]:
            return [Row({"text": file.name, "label": "x"}) for file in sorted(path.iterdir())]

    assert registry.reader("shouts") is Shouts
    (tmp_path / "one").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "reader", lambda name: Folder)
        assert pairs(texts(tmp_path, format="shouts")) == [("one", "x")]


def test_one_that_cannot_be_made_keeps_nobody_from_reading(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    class Picky(Shouts):
        def __init__(self, case: str) -> None:
            self.case = case

    monkeypatch.setattr(registry, "reader", lambda name: Nested if name == "nested" else Picky)
    assert pairs(texts(write("a.csv", "text,label\nhi,low\n"))) == [("hi", "low")]
    with pytest.raises(PluginError, match=r"The format 'shouts' cannot be used \(TypeError: .*'case'\); `zoo plugins`"):
        texts(write("b.csv", "text,label\nhi,low\n"), format="shouts")


def test_an_unknown_format_names_those_of_plugins_too(write: Write) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'shouts'.*nested"):
        read(write("a.csv", "a"), make_spec(TEXT), format="shout")


def test_built_in_readers_work_alone(write: Write) -> None:
    request = ReadRequest(make_spec(TEXT))
    path = write("a.csv", "text,label\nhi,low\n")
    assert pairs(registry.reader("csv")().read(path, request)) == [("hi", "low")]
