from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.readers import files
from taskzoo.data.readers.files import _decode, _without_mark, read_bytes, split_lines
from taskzoo.errors import DataError

from .conftest import Write
from .kit import pairs, refused, texts

GOOD = "text,label\nwell done,pos\n"


def test_a_missing_file_names_the_nearest(write: Write, tmp_path: Path) -> None:
    write("train.csv", GOOD)
    refused(tmp_path / "trian.csv", "no such file", "'train.csv'")


def test_a_missing_file_lists_the_folder(write: Write, tmp_path: Path) -> None:
    write("reviews.csv", GOOD)
    refused(tmp_path / "x.tsv", "no such file", "reviews.csv")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere" / "train.csv", "nor a folder")


def test_a_folder_is_no_file(write: Write, tmp_path: Path) -> None:
    write("train.csv", GOOD)
    refused(tmp_path, "folder", "train.csv")


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", " \t\n"])
def test_empty(write: Write, content: str) -> None:
    refused(write("train.csv", content), "empty")


def zipped(*names: str, content: str | bytes = "x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04abc", "a damaged zip or Excel file"),
        (b"PAR1\x15", "Parquet"),
        (b"SQLite format 3\0", "SQLite"),
        (zipped("xl/workbook.xml", "[Content_Types].xml"), "an Excel file; save it as CSV (in Excel: File, Save As"),
        (zipped("word/document.xml"), "a Word file"),
        (zipped("mimetype", "content.xml"), "OpenDocument"),
        (zipped("archive/data.pkl", "archive/data/0"), "a file of PyTorch"),
        (zipped("a/b.csv", "a/c.csv", "README.txt"), "a zip archive with a/b.csv, a/c.csv; unpack it"),
        (zipped("README.txt"), "a zip archive with README.txt; unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an old Excel or Word file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"%PDF-1.7\n\xe2\xe3\0", "a PDF file"),
        (pickle.dumps({"text": ["a"]}), "a Python pickle"),
        (b"{\\rtf1\\ansi text}", "an RTF document"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (gzip.compress(b"a\0" * 128 + b"\0ustar\0" + b"\0" * 200), "a tar archive"),
        (bytes(range(256)) * 8, "a binary file"),
    ],
    ids=range(17),
)
def test_binary_files_are_named(write: Write, content: bytes, what: str) -> None:
    refused(write("train.csv", content), what)


@pytest.mark.parametrize("first", ["ORC", "RIFF", "BZh", "ID3"])
def test_words_that_begin_as_binary_files_do_are_text(write: Write, first: str) -> None:
    assert pairs(texts(write("train.csv", f"{first},label,text\nx,pos,well\n"))) == [("well", "pos")]


def pack(kind: str, content: bytes) -> bytes:
    if kind == ".zip":
        return zipped("data/", "data/train.csv", "__MACOSX/data/train.csv", "data/README.md", content=content)
    return {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[kind](content)


PACKED = {".gz": "gunzip", ".bz2": "bunzip2", ".xz": "unxz", ".zip": "unzip"}


@pytest.mark.parametrize(("kind", "program"), PACKED.items())
def test_what_unpacks_to_far_more_than_text_would(
    write: Write, monkeypatch: pytest.MonkeyPatch, kind: str, program: str
) -> None:
    path = write(f"train.csv{kind}", pack(kind, b"text,label\n" + b"a" * 2_000_000 + b",b\n"))
    assert len(texts(path)[0]["text"]) == 2_000_000
    monkeypatch.setattr(files, "FREE_UNPACKED", 2**20)
    refused(path, "unpacks to more than 1 MB", program)
    monkeypatch.setattr(files, "MOST_TIMES", 100_000)
    assert len(read_bytes(path)) == 11 + 2_000_000 + 3
    monkeypatch.setattr(files, "MOST_UNPACKED", 2**20)
    refused(path, "unpacks to more than 1 MB", program)


@pytest.mark.parametrize("kind", PACKED)
def test_packed_files_by_name_and_by_content(write: Write, kind: str) -> None:
    packed = pack(kind, GOOD.encode())
    for name in (f"train.csv{kind}", "train.csv", f"train{kind.upper()}"):
        assert pairs(texts(write(name, packed))) == [("well done", "pos")], name


@pytest.mark.parametrize("kind", [".gz", ".bz2", ".xz"])
def test_broken_packed_files(write: Write, kind: str) -> None:
    refused(write(f"train.csv{kind}", pack(kind, GOOD.encode())[:-9]), "cannot unpack it", PACKED[kind])
    refused(write(f"train2.csv{kind}", GOOD), "cannot unpack it", PACKED[kind])


def test_a_zip_archive_is_read_by_the_name_of_the_file_inside(write: Write) -> None:
    path = write("corpus.zip", zipped("corpus/a.tsv", content='text\tlabel\n"well, done\tpos\n'))
    assert pairs(texts(path)) == [('"well, done', "pos")]
    one = write("one.zip", zipped("one.csv", content="text\nwell\tdone\n"))  # as TSV, two columns
    assert texts(one, labelled=False)[0]["text"] == "well\tdone"
    refused(write("broken.zip", path.read_bytes()[:-30]), "a damaged zip or Excel file")
    damaged = path.read_bytes().replace(b"corpus/a.tsv", b"corpus/b.tsv", 1)
    refused(write("damaged.zip", damaged), "zip cannot unpack it", "with unzip")


def test_nul_bytes(write: Write) -> None:
    refused(write("train.csv", "text,label\nwell\0done,pos\n"), "NUL", line=2)


def test_the_byte_order_mark_is_no_part_of_the_first_column(write: Write) -> None:
    assert pairs(texts(write("train.csv", "\ufeff" + GOOD))) == [("well done", "pos")]


def test_utf16_with_its_mark_is_read(write: Write) -> None:
    assert pairs(texts(write("train.csv", GOOD.encode("utf-16")))) == [("well done", "pos")]


def test_utf16_cut_off(write: Write) -> None:
    refused(write("train.csv", GOOD.encode("utf-16")[:-1]), "UTF-16")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("text", "end"), [("well done", "\n"), ("一部上好的电影" * 50, "\r\n"), ("Хорошее кино", "\n"), ("Ā Ā", "\n")]
)
def test_utf16_without_its_mark(write: Write, encoding: str, text: str, end: str) -> None:
    content = end.join(["text,label", *[f"{text},pos"] * 3, ""])
    assert pairs(texts(write("train.csv", content.encode(encoding)))) == [(text, "pos")] * 3


def test_bytes_that_are_not_utf16_are_not_read_as_such(write: Write) -> None:
    for lost in (1, 3):
        refused(write("train.csv", GOOD.encode("utf-16-le")[:-lost]), "NUL", line=1)
    refused(write("train.csv", ("text,label\na\0b,pos\n" * 2).encode()), "NUL", line=2)


def test_latin_1_is_never_decoded_silently(write: Write) -> None:
    path = write("train.csv", "text,label\nok,pos\ntrès bien,pos\n".encode("cp1252"))
    refused(path, "byte 3", "0xE8", "windows-1252", "iconv -f WINDOWS-1252 -t UTF-8", line=3)


def test_gb18030_is_recognised(write: Write) -> None:
    path = write("train.csv", "text,label\n这部电影非常好看,pos\n".encode("gb18030"))
    refused(path, "iconv -f GB18030 -t UTF-8", line=2)


def test_a_file_cut_off_inside_a_character(write: Write) -> None:
    refused(write("train.csv", "text,label\nvoilà,pos\n好,好".encode()[:-1]), "cut off", line=3)


def test_bytes_of_no_known_encoding(write: Write) -> None:
    refused(write("train.csv", b"text,label\na\x81 \xff,pos\n"), "UTF-8", line=2)


def test_lone_carriage_returns_as_line_ends(write: Write) -> None:
    refused(write("train.csv", GOOD.replace("\n", "\r")), "carriage return")


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]))))
def test_only_newlines_end_lines(lines: list[str]) -> None:
    for end in ("\n", "\r\n"):
        assert split_lines("".join(line + end for line in lines), "x") == lines


@given(st.binary(max_size=40))
def test_bytes_are_utf8_or_an_error_of_one_line(data: bytes) -> None:
    try:
        text = _decode(data, "file")
    except DataError as error:
        message = str(error)
    else:
        if not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) and _without_mark(data) == "utf-8":
            assert text.encode() == data.removeprefix(b"\xef\xbb\xbf")
        return
    assert "\n" not in message
    assert message.startswith("file:")
