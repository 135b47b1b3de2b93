from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Write
from .kit import TEXT, pairs, refused, texts

POSITIONS = {"text": "0", "label": "1"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("good, really;pos\nbad, so bad;neg\n", [("good, really", "pos"), ("bad, so bad", "neg")]),
        ("good; really,pos\nbad; so bad,neg\n", [("good; really", "pos"), ("bad; so bad", "neg")]),
        ("good;1,5\nbad;12,25\n", [("good", "1,5"), ("bad", "12,25")]),
        ("a, b|x\nc, d|y\n", [("a, b", "x"), ("c, d", "y")]),
        ("a, b\tx\nc, d\ty\n", [("a, b", "x"), ("c, d", "y")]),
        ("a; b, c\tx\nd\ty\n", [("a; b, c", "x"), ("d", "y")]),
        ("good,a\nbad,b;c\n", [("good", "a"), ("bad", "b;c")]),
    ],
)
def test_a_separator_splits_all_lines_alike(write: Write, content: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(texts(write("a.csv", content), columns=POSITIONS)) == expected


def test_the_same_separator_is_found_without_labels(write: Write) -> None:
    path = write("a.csv", "good, really;pos\nbad, so bad;neg\n")
    for columns in ({"text": "0"}, POSITIONS):
        assert texts(path, columns=columns, labelled=False)[0]["text"] == "good, really"
    lines = write("b.csv", "text\none; two\nfour; five\n")
    assert texts(lines, labelled=False)[0]["text"] == "one; two"


def test_two_separators_are_not_guessed(write: Write) -> None:
    path = write("a.csv", "good work,a;b\nbad work,c;d\n")
    refused(path, "commas and semicolons both split every line", "'good work,a;b'", "header", line=1, columns=POSITIONS)
    assert pairs(texts(write("b.csv", "text,label\ngood work,a;b\n"))) == [("good work", "a;b")]
    assert pairs(texts(write("c.csv", "text;label\ngood work,a;b\n"))) == [("good work,a", "b")]


def test_a_header_decides(write: Write) -> None:
    content = "text;label\nwell, done, really;1,5\nno, never, ever;2,5\n"
    assert pairs(texts(write("a.csv", content)))[0] == ("well, done, really", "1,5")


@pytest.mark.parametrize("mark", [";", "\t", ",", "^"])
def test_excel_may_name_the_separator(write: Write, mark: str) -> None:
    rows = texts(write("a.csv", f'sep={mark}\r\ntext{mark}label\r\n"a{mark} b"{mark}pos\r\n'))
    assert [(row["text"], row.line) for row in rows] == [(f"a{mark} b", 3)]
    assert pairs(texts(write("a.txt", f"sep={mark}\ntext{mark}label\na{mark}pos\n"))) == [("a", "pos")]


def test_spaces_before_quotes(write: Write) -> None:
    content = 'id, text, label\n1, "well, done", pos\n\n2, "he said ""no""", neg\n'
    assert [row["text"] for row in texts(write("a.csv", content))] == ["well, done", 'he said "no"']


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", " \r\n"])
@pytest.mark.parametrize("mark", [",", ";", "|"])
def test_spaces_behind_quotes(write: Write, mark: str, end: str) -> None:
    lines = [
        f'"text" {mark} "label"',
        f'"well{mark} ""done"" " {mark} "pos"',
        f'"two\nlines "{mark} "neg"',
        f'"a" {mark}b',
    ]
    expected = [(f'well{mark} "done" ', "pos", 2), ("two\nlines ", "neg", 3), ("a", "b", 5)]
    rows = texts(write("a.csv", "".join(line + end for line in lines)))
    assert [(row["text"], row["label"].strip(), row.line) for row in rows] == expected
    escaped = write("b.csv", f'"text" {mark} "label"\n"he said \\"no\\" {mark} twice" {mark} "neg"\n')
    assert pairs(texts(escaped)) == [(f'he said "no" {mark} twice', "neg")]


def test_quotes_behind_a_backslash(write: Write) -> None:
    path = write("a.csv", 'text,label\n"he said \\"no, never\\" and left",neg\nwell,pos\n')
    assert pairs(texts(path)) == [('he said "no, never" and left', "neg"), ("well", "pos")]
    assert pairs(texts(write("b.csv", 'text,label\n"C:\\",neg\n'))) == [("C:\\", "neg")]


def test_a_table_of_markdown_is_named(write: Write) -> None:
    refused(write("a.md.csv", "| text | label |\n|:---|---:|\n| a | x |\n"), "a table of Markdown", line=1)


def test_single_quotes_around_all_cells(write: Write) -> None:
    assert pairs(texts(write("a.csv", "'text','label'\n'well, done','pos'\n"))) == [("well, done", "pos")]


EXCEL = 'text\tlabel\r\nplain\tpos\r\n"he said ""no"" and left"\tneg\r\n"well, done"\tpos\r\n'
EXPECTED = [("plain", "pos"), ('he said "no" and left', "neg"), ("well, done", "pos")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["a.txt", "a.tsv"])
def test_tab_files_of_excel(write: Write, name: str, encoding: str) -> None:
    assert pairs(texts(write(name, EXCEL.encode(encoding)))) == EXPECTED


def test_tab_files_with_every_cell_in_quotes(write: Write) -> None:
    rows = texts(write("a.tsv", '"text"\t"label"\t"n"\n"plain"\t"pos"\t1\n"two\nlines"\t"neg"\t2.5\n'))
    assert [(row["text"], row.line) for row in rows] == [("plain", 2), ("two\nlines", 3)]


@pytest.mark.parametrize(
    "content",
    [
        'text\tlabel\n"Titanic"\tpos\n"Up"\tneg\n',  # no reason for quotes
        'text\tlabel\n"well, yes"\tpos\nno, never\tneg\n',  # Excel would have put both into quotes
        'text\tlabel\n"well ""yes""\tpos\n',  # one is not closed
        'text\tlabel\n"a ""b"""\tpos\n5" disk\tneg\n',  # one stands inside
    ],
)
def test_quotes_that_are_part_of_the_text_stay(write: Write, content: str) -> None:
    expected = [tuple(line.split("\t")) for line in content.splitlines()[1:]]
    assert pairs(texts(write("a.tsv", content))) == expected


_CELL = st.text(st.sampled_from("ab ,;|\t\"'\n\\é中"), max_size=8).map(lambda text: f"x{text}x")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=5),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_dialect_is_written_is_read(
    tmp_path: Path, written: list[tuple[str, str]], mark: str, encoding: str, quoting: int, end: str
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=mark, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows([tuple(TEXT), *written])
    path = tmp_path / "a.csv"
    path.write_bytes(buffer.getvalue().encode(encoding))
    assert pairs(texts(path)) == written


def test_bad_records_are_left_out_where_that_is_asked(write: Write) -> None:
    path = write("a.csv", "text,label\nok,pos\na,b,c\n,neg\nno,neg\n")
    bad: list[str] = []
    assert [row.line for row in texts(path, bad=bad)] == [2, 5]
    assert [message.split(" ")[0] for message in bad] == ["a.csv:3:", "a.csv:4:"]


def test_thousands_of_blank_lines_may_stand_above_a_table(write: Write) -> None:
    rows = texts(write("a.csv", "\n" * 2001 + "text;label\na;x\n"))
    assert [(row["text"], row["label"], row.line) for row in rows] == [("a", "x", 2003)]
