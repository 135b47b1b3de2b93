from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskzoo.errors import UnknownNameError

from .conftest import Write
from .kit import TABLE, TEXT, pairs, refused, texts

POSITIONS = {"text": "0", "label": "1"}


def test_csv_and_tsv(write: Write) -> None:
    expected = [("well done", "pos"), ("no", "neg")]
    assert pairs(texts(write("a.csv", "text,label\nwell done,pos\nno,neg\n"))) == expected
    assert pairs(texts(write("a.tsv", "label\ttext\npos\twell done\nneg\tno\n"))) == expected
    assert pairs(texts(write("a.txt", "label\ttext\npos\twell done\nneg\tno"))) == expected
    assert pairs(texts(write("b.txt", "label,text\r\npos,well done\r\n\r\nneg,no"))) == expected


def test_newlines_in_quotes_keep_the_line_numbers_right(write: Write) -> None:
    path = write("a.csv", 'text,label\r\n"one\ntwo\n\nthree",pos\r\n\r\n"four, ""five""",neg\r\nsix,\r\n')
    rows = texts(path, required=frozenset({"text"}))
    assert [row["text"] for row in rows] == ["one\ntwo\n\nthree", 'four, "five"', "six"]
    assert [row.line for row in rows] == [2, 7, 8]
    refused(path, "label is empty", line=8)


def test_tsv_has_no_quotes(write: Write) -> None:
    path = write("a.tsv", 'text\tlabel\n"no end\tpos\n5" disk\tneg\n""\tpos\n')
    assert [row["text"] for row in texts(path)] == ['"no end', '5" disk', '""']


@pytest.mark.parametrize("character", ["\u2028", "\x0b", "\x0c", "\x85", "\x1c"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_only_newlines_end_a_row(write: Write, character: str, name: str) -> None:
    separator = "," if name == "a.csv" else "\t"
    rows = texts(write(name, f"text{separator}label\none{character}two{separator}pos\n"))
    assert pairs(rows) == [(f"one{character}two", "pos")]


def test_a_carriage_return_inside_a_tsv_value_stays(write: Write) -> None:
    rows = texts(write("a.tsv", "text\tlabel\r\none\rtwo\tpos\r\n"))
    assert pairs(rows) == [("one\rtwo", "pos")]


def test_a_stray_carriage_return_in_csv(write: Write) -> None:
    refused(write("a.csv", "text,label\none\rtwo,pos\n"), "carriage return", line=2)


def test_broken_quotes(write: Write) -> None:
    refused(write("a.csv", 'text,label\nok,pos\n"no end,pos\nmore,neg\n'), "broken CSV", line=3)
    refused(write("b.csv", 'text,label\n"a "quoted" word",pos\n'), "doubled", line=2)


def test_long_documents(write: Write) -> None:
    limit = csv.field_size_limit()
    rows = texts(write("a.csv", f'text,label\n"{"long " * 40_000}",pos\n'))
    assert len(rows[0]["text"]) == 200_000
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_csv_with_another_separator(write: Write, mark: str) -> None:
    path = write("a.csv", f'text{mark}label\n"well{mark} done, really"{mark}pos\n')
    assert pairs(texts(path)) == [(f"well{mark} done, really", "pos")]
    assert texts(path, required=frozenset({"text"}))[0]["text"] == f"well{mark} done, really"


def test_a_semicolon_in_a_single_column_separates_nothing(write: Write) -> None:
    path = write("a.csv", "text\none; two\nthree; four\n")
    assert [row["text"] for row in texts(path, required=frozenset({"text"}))] == ["one; two", "three; four"]


def test_the_wrong_separator(write: Write) -> None:
    path = write("a.tsv", "text,label\nwell done,pos\n")
    refused(path, "one column", "commas", "--format csv", line=1, format="tsv")
    refused(path, "one column", "commas", line=1, formats=("tsv",))
    assert pairs(texts(path)) == [("well done", "pos")]
    refused(write("b.csv", "text\nwell done\n"), "one column", "label", line=1)


def test_ragged_rows(write: Write) -> None:
    refused(write("a.csv", "text,label\nok,pos\nwell, done,pos\n"), "3 columns", "quotes", line=3)
    refused(write("b.csv", "text,label\nok,pos\nwell done\n"), "1 column here", line=3)
    refused(write("c.tsv", "text\tlabel\nwell\tdone\tpos\n"), "3 columns", "tab", line=2)


def test_an_empty_row_is_not_skipped(write: Write) -> None:
    refused(write("a.csv", "text,label\nok,pos\n,\n"), "text is empty", line=3)
    refused(write("b.csv", 'text\nok\n""\n'), "text is empty", line=3, required=frozenset({"text"}))


@pytest.mark.parametrize("blank", ["", "  ", "\u3000"])
def test_empty_values(write: Write, blank: str) -> None:
    refused(write("a.csv", f"text,label\nok,pos\n{blank},neg\n"), "text is empty", line=3)
    refused(write("b.tsv", f"text\tlabel\nok\tpos\nwell\t{blank}\n"), "label is empty", line=3)


def test_an_optional_value_that_is_empty_is_left_out(write: Write) -> None:
    rows = texts(write("a.csv", "text,label\nok,pos\nwell,\n"), required=frozenset({"text"}))
    assert [dict(row.fields) for row in rows] == [{"text": "ok", "label": "pos"}, {"text": "well"}]


def test_values_stand_as_they_are(write: Write) -> None:
    rows = texts(write("a.csv", "text,label\n NA ,01\nnull,True\n"))
    assert pairs(rows) == [(" NA ", "01"), ("null", "True")]


def test_duplicate_header(write: Write) -> None:
    refused(write("a.csv", "text,label,text\na,b,c\n"), "two columns are named 'text'", line=1)
    refused(write("b.csv", "text,id,label,id \na,b,c,d\n"), "two columns are named 'id'", line=1)


def test_header_only(write: Write) -> None:
    refused(write("a.csv", "text,label\n"), "no row", line=1)


def test_a_header_in_the_middle(write: Write) -> None:
    refused(write("a.csv", "text,label\na,b\ntext,label\nc,d\n"), "header stands here again", line=3)


@pytest.mark.parametrize("header", ["sentence,category", "Review,Intent", " CONTENT , Class ", "id,text,sentiment"])
def test_synonyms(write: Write, header: str) -> None:
    row = "7,well,pos" if header.startswith("id") else "well,pos"
    assert pairs(texts(write("a.csv", f"{header}\n{row}\n"))) == [("well", "pos")]


def test_two_synonyms_are_not_guessed(write: Write) -> None:
    path = write("a.csv", "sentence,review,label\na,b,c\n")
    refused(path, "'sentence' or 'review'", "--columns text=NAME")
    assert texts(path, columns={"text": "review"})[0]["text"] == "b"


def test_the_roles_own_name_beats_its_synonyms(write: Write) -> None:
    assert pairs(texts(write("a.csv", "review,text,sentiment,label\na,b,c,d\n"))) == [("b", "d")]


def test_names_that_differ_in_case_only_are_not_guessed(write: Write) -> None:
    refused(write("a.csv", "Text,TEXT,label\na,b,c\n"), "'Text' or 'TEXT'")


def test_a_synonym_that_is_a_role_stands_for_itself(write: Write) -> None:
    roles = {**TEXT, "content": "more text"}
    refused(write("a.csv", "content,label\na,b\n"), "no column for text", line=1, roles=roles)


def test_a_missing_column_lists_those_found(write: Write) -> None:
    path = write("a.csv", "body,label\na,b\n")
    refused(path, "no column for text", "'body', 'label'", "text=NAME", "text=0,label=1", line=1)


def test_a_mapped_column_that_is_missing(write: Write) -> None:
    path = write("a.csv", "body,label\na,b\n")
    refused(path, "no column 'bodi'", "(nearest: 'body')", line=1, columns={"text": "bodi"})
    assert pairs(texts(path, columns={"text": "body"})) == [("a", "b")]


def test_an_unknown_role(write: Write) -> None:
    with pytest.raises(UnknownNameError, match=r"'lable'.*'label'"):
        texts(write("a.csv", "text,label\na,b\n"), columns={"lable": "x"})


def test_two_roles_on_one_column(write: Write) -> None:
    path = write("a.csv", "text,label\na,b\n")
    refused(path, "text and label", "'text'", columns={"text": "text", "label": "text"})
    refused(path, "text and label", "column 'label'", columns={"text": "1", "label": "-1"})


def test_no_header_asks_for_positions(write: Write) -> None:
    path = write("a.tsv", "I love it\t27\tx1\nno\t3\tx2\n")
    refused(path, "'I love it', '27', 'x1'", "positions from 0 (--columns text=N,label=N)", line=1)
    assert pairs(texts(path, columns=POSITIONS)) == [("I love it", "27"), ("no", "3")]


def test_the_positions_asked_for_are_those_that_the_content_suggests(write: Write) -> None:
    rows = "".join(f"{n % 2 * 4}\t{n}\tNO_QUERY\tuser{n}\tI am {n} times glad\n" for n in range(9))
    refused(write("a.tsv", rows), "--columns text=4,label=0)", line=1)


def test_no_role_found_is_an_error_even_if_none_is_required(write: Write) -> None:
    refused(write("a.tsv", "a\tb\n"), "text, label", "text=0,label=1", line=1, required=frozenset())
    refused(write("b.csv", "a,b\n"), "text, label", line=1, required=frozenset())


def test_positions_keep_the_first_row(write: Write) -> None:
    """A label that looks like a position, or like a column name, is data."""
    assert pairs(texts(write("a.tsv", "good\t1\nbad\t0\n"), columns=POSITIONS)) == [("good", "1"), ("bad", "0")]
    path = write("b.tsv", "buy it\tintent\nsell it\tintent\n")
    assert pairs(texts(path, columns=POSITIONS)) == [("buy it", "intent"), ("sell it", "intent")]


def test_positions_skip_a_header_that_names_their_roles(write: Write) -> None:
    path = write("a.csv", "Sentence,Category\nwell,pos\n")
    assert pairs(texts(path, columns=POSITIONS)) == [("well", "pos")]


def test_positions_of_other_columns_are_no_header(write: Write) -> None:
    path = write("a.csv", "class,well,pos\nx,no,neg\n")
    assert len(texts(path, columns={"text": "1", "label": "2"})) == 2


def test_a_header_of_positions(write: Write) -> None:
    path = write("a.csv", "0,1\nGood film,pos\nBad film,neg\n")
    assert pairs(texts(path, columns={"text": "0", "label": "1"})) == [("Good film", "pos"), ("Bad film", "neg")]
    assert [row.line for row in texts(path, columns={"text": "1", "label": "0"})] == [2, 3]
    for content in ("0,1\n7,0\n5,1\n", "1,0\n7,2\n", "0,1\n0,2\n", "0,1\n"):
        rows = texts(write("b.csv", content), columns={"text": "0", "label": "1"})
        assert pairs(rows)[0] == tuple(content[:3].split(","))


def test_a_number_that_is_no_position_may_be_a_name(write: Write) -> None:
    path = write("a.csv", "text,2018,2019\nGood film,x,pos\nBad film,y,neg\n")
    assert pairs(texts(path, columns={"label": "2019"})) == [("Good film", "pos"), ("Bad film", "neg")]
    assert pairs(texts(path, columns={"text": "0", "label": "2018"})) == [("Good film", "x"), ("Bad film", "y")]
    refused(path, "label=2017 is outside the file's 3 columns", columns={"label": "2017"})


def test_a_position_outside_the_file(write: Write) -> None:
    refused(write("a.csv", "text,label\na,b\n"), "label=5", "2 columns", columns={"label": "5"})


def test_positions_from_the_end(write: Write) -> None:
    assert pairs(texts(write("a.tsv", "a\tb\tc\n"), columns={"text": "0", "label": "-1"})) == [("a", "c")]


def test_lines_of_text_for_prediction(write: Write) -> None:
    content = "simplistic , silly and tedious .\n[sic] well\n\nlast; one\n"
    for required in (frozenset({"text"}), frozenset[str]()):
        rows = texts(write("reviews.neg", content), required=required)
        assert [(row["text"], row.line) for row in rows] == [
            ("simplistic , silly and tedious .", 1),
            ("[sic] well", 2),
            ("last; one", 4),
        ]


def test_a_header_with_commas_in_a_text_file_is_csv(write: Write) -> None:
    rows = texts(write("a.txt", "id,text\n1,well\n"), required=frozenset({"text"}))
    assert rows[0]["text"] == "well"


def test_unknown_format(write: Write) -> None:
    with pytest.raises(UnknownNameError, match=r"'csb'.*'csv'"):
        texts(write("a.csv", "text,label\na,b\n"), format="csb")
    refused(write("b.csv", "text,label\na,b\n"), "looks like csv", "jsonl", formats=("jsonl",))


_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8).map(lambda t: f"x{t}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_csv_module_writes_is_read(tmp_path: Path, written: list[tuple[str, str]], end: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "label"), *written])
    path = tmp_path / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    rows = texts(path)
    assert pairs(rows) == written
    lines = buffer.getvalue().split("\n")
    for row in rows:
        assert lines[row.line - 1].lstrip('"').startswith("x")


_PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\t\n\r"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_PLAIN.map(lambda t: f"x{t}"), _PLAIN.map(lambda t: f"y{t}")), min_size=1, max_size=6))
def test_tsv_is_what_stands_between_tabs(tmp_path: Path, written: list[tuple[str, str]]) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes("".join(f"{a}\t{b}\n" for a, b in [("text", "label"), *written]).encode())
    rows = texts(path, formats=TABLE)
    assert pairs(rows) == written
    assert [row.line for row in rows] == list(range(2, len(written) + 2))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "Survey export\n\ntext,label\n", "line 3 looks like the header, so remove the lines above it"),
        ("a.tsv", "# 2024\n# by us\ntext\tlabel\n", "line 3 looks like the header, so remove the lines above it"),
        ("a.csv", "text~label\na~x\n", "separated by ~, so write it with one of commas, tabs"),
        ("a.csv", "text~label\na~x\n", "or with a first line sep=~"),
        ("a.csv", "text ::: label\na ::: x\n", "separated by :::, so write it"),
        ("a.csv", '"text,label"\n"a,x"\n', "in quotes as a whole, so remove them if its commas separate columns"),
    ],
)
def test_why_there_is_one_column_only(write: Write, name: str, content: str, said: str) -> None:
    refused(write(name, content), "one column only", said, line=1)
