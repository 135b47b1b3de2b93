from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskzoo.errors import UnknownNameError

from .conftest import Write
from .kit import TOKENS, refused, sentences

SIMPLE = "EU\tB-ORG\nrejects\tO\n\nPeter\tB-PER\n"


def test_sentences_and_their_first_lines(write: Write) -> None:
    path = write("train.conll", SIMPLE)
    rows = sentences(path)
    assert [dict(row.fields) for row in rows] == [
        {"tokens": ["EU", "rejects"], "tags": ["B-ORG", "O"]},
        {"tokens": ["Peter"], "tags": ["B-PER"]},
    ]
    assert [row.line for row in rows] == [1, 4]
    assert {row.source for row in rows} == {str(path)}


@pytest.mark.parametrize(
    "content",
    [
        SIMPLE.replace("\n", "\r\n"),
        SIMPLE.rstrip("\n"),
        "\ufeff" + SIMPLE,
        "\n\n" + SIMPLE + "\n\n\n",
        SIMPLE.replace("\t", " "),
        SIMPLE.replace("\t", "   "),
        SIMPLE.replace("\n\n", "\n\t\n"),
        SIMPLE.replace("\n\n", "\n \t \n\n"),
        "-DOCSTART-\tO\n\n" + SIMPLE,
        "-DOCSTART- -X- -X- O\n\n" + SIMPLE,
        SIMPLE.replace("\n\n", "\n-DOCSTART-\tO\n"),
        "# sent_id = 1\n" + SIMPLE,
        "# sent_id = 1\n" + SIMPLE.replace("\t", " "),
        "# id 5f39 = 1\tdomain=en\n" + SIMPLE.replace("\t", " "),
        SIMPLE.replace("\tO", "\tO "),
    ],
    ids=range(15),
)
def test_variants_read_alike(write: Write, content: str) -> None:
    rows = sentences(write("train.conll", content))
    assert [row["tokens"] for row in rows] == [["EU", "rejects"], ["Peter"]]
    assert [row["tags"] for row in rows] == [["B-ORG", "O"], ["B-PER"]]


def test_a_token_that_is_a_hash_survives(write: Write) -> None:
    tabs = sentences(write("a.conll", "#\tO\nnow\tO\n# x = y\tO\n"))
    assert tabs[0]["tokens"] == ["#", "now", "# x = y"]
    blanks = sentences(write("b.conll", "# O\n#tag O\n= O\n"))
    assert blanks[0]["tokens"] == ["#", "#tag", "="]
    assert sentences(write("c.conll", "# O\n"))[0]["tokens"] == ["#"]


def test_a_hashtag_without_its_tag_is_no_comment(write: Write) -> None:
    refused(write("a.conll", "a\tO\n#tag\nb\tO\n"), "1 column here and 2", "'#tag'", line=2, read=sentences)


@pytest.mark.parametrize("token", ["\u200b", "\ufe0f", "\u00a0", "\u3000", "\u2028", "\x0b", "\x85", "\x1c", "a\rb"])
@pytest.mark.parametrize("separator", ["\t", " "])
def test_odd_white_space_is_a_token(write: Write, token: str, separator: str) -> None:
    rows = sentences(write("a.conll", f"a{separator}O\n{token}{separator}O\nb{separator}O\n"))
    assert [row["tokens"] for row in rows] == [["a", token, "b"]]


def test_a_space_is_a_token(write: Write) -> None:
    spaces = sentences(write("a.conll", "明 B-PER\n  O\n上 B-LOC\n O\n"))
    assert spaces[0]["tokens"] == ["明", " ", "上", " "]
    tabs = sentences(write("b.conll", "明\tB-PER\n \tO\n上\tB-LOC\n"))
    assert tabs[0]["tokens"] == ["明", " ", "上"]


def test_commas_separate_where_nothing_else_does(write: Write) -> None:
    path = write("a.conll", 'Ada,B-PER\n,,O\n",",O\n"a ""b""",O\n\n1,000,B-NUM\n')
    assert [row["tokens"] for row in sentences(path)] == [["Ada", ",", ",", 'a "b"'], ["1,000"]]
    assert sentences(write("b.conll", "a,b O\nc,d O\n"))[0]["tokens"] == ["a,b", "c,d"]


def test_tags_with_spaces_in_an_export_of_label_studio(write: Write) -> None:
    path = write("a.conll", "-DOCSTART- -X- O O\nAda -X- _ B-PARTY NAME\nleft -X- _ O\n\nBo -X- _ B-LOC\n")
    assert [row["tags"] for row in sentences(path)] == [["B-PARTY NAME", "O"], ["B-LOC"]]


@pytest.mark.parametrize("comment", ["#\thttp://x.de/1\t[2009-10-17]", "#Text=a b", "#sent_id = 1", "# a b"])
def test_comments_of_a_table_with_tabs(write: Write, comment: str) -> None:
    row = sentences(write("a.conll", f"{comment}\nx\ta\tO\ny\tb\tB-X\n"))[0]
    assert (row["tokens"], row["tags"]) == (["x", "y"], ["O", "B-X"])


def test_the_usual_width_counts_and_not_the_first(write: Write) -> None:
    path = write("a.conll", "Ada B-PER x\nleft O\nOslo B-LOC\n")
    refused(path, "3 columns here and 2 on most lines", line=1, read=sentences)


def test_columns_by_position(write: Write) -> None:
    path = write("a.conll", "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n")
    assert sentences(path)[0]["tags"] == ["B-ORG", "O"]
    assert sentences(path, columns={"tags": "1"})[0]["tags"] == ["NNP", "VBZ"]
    row = sentences(path, columns={"tokens": "-4", "tags": "-2"})[0]
    assert (row["tokens"], row["tags"]) == (["EU", "rejects"], ["B-NP", "B-VP"])


def test_a_position_outside_the_file(write: Write) -> None:
    refused(write("a.conll", SIMPLE), "tags=3", "2 columns", read=sentences, columns={"tags": "3"})


def test_a_column_name_cannot_be_found(write: Write) -> None:
    refused(write("a.conll", SIMPLE), "no names", "tags=ner", "position", read=sentences, columns={"tags": "ner"})


def test_two_roles_on_one_column(write: Write) -> None:
    refused(
        write("a.conll", SIMPLE), "tokens and tags", "column 0", read=sentences, columns={"tokens": "0", "tags": "0"}
    )


def test_a_column_that_is_mapped_is_free_of_its_usual_role(write: Write) -> None:
    path = write("a.conll", SIMPLE)
    refused(path, "no column for tokens", "--columns tokens=1", read=sentences, columns={"tags": "0"})
    turned = sentences(path, columns={"tags": "0", "tokens": "1"})
    assert turned[0]["tags"] == sentences(path)[0]["tokens"]


def test_an_unknown_role_names_the_nearest(write: Write) -> None:
    with pytest.raises(UnknownNameError, match=r"'tag'.*'tags'"):
        sentences(write("a.conll", SIMPLE), columns={"tag": "1"})


@pytest.mark.parametrize(("bad", "columns"), [("rejects", "1 column here"), ("rejects\tO\tO", "3 columns here")])
def test_ragged_rows(write: Write, bad: str, columns: str) -> None:
    path = write("a.conll", f"EU\tB-ORG\n{bad}\n\nPeter\tB-PER\n")
    refused(path, columns, "2 on line 1", "tabs", line=2, read=sentences)


def test_a_tab_in_a_file_of_blanks_is_reported(write: Write) -> None:
    refused(write("a.conll", "EU B-ORG\nrejects\tO\n"), "2 columns here and 1", "tabs", line=2, read=sentences)


def test_no_tag_never_becomes_o(write: Write) -> None:
    refused(write("a.conll", "\nEU\nrejects\n"), "one column", "prediction", line=2, read=sentences)
    refused(write("b.conll", "EU\tB-ORG\nrejects\t\n"), "(tags) is empty", line=2, read=sentences)


def test_an_empty_token(write: Write) -> None:
    refused(write("a.conll", "EU\tB-ORG\n\tO\n"), "(tokens) is empty", line=2, read=sentences)


def test_prediction_needs_no_tags(write: Write) -> None:
    rows = sentences(write("a.conll", "EU\nrejects\n\nPeter\n"), required=frozenset({"tokens"}))
    assert [dict(row.fields) for row in rows] == [{"tokens": ["EU", "rejects"]}, {"tokens": ["Peter"]}]


def test_token_numbers_are_not_words(write: Write) -> None:
    path = write("a.conll", "# text = a b c\n1\ta\tO\n2\tb\tO\n3\tc\tO\n\n1\td\tO\n")
    refused(path, "counts the tokens", "tokens=1", line=2, read=sentences)
    assert sentences(path, columns={"tokens": "1"})[0]["tokens"] == ["a", "b", "c"]


def test_only_comments_is_no_rows(write: Write) -> None:
    refused(write("a.conll", "-DOCSTART- O\n\n"), "no rows", read=sentences)


def test_a_role_without_a_default_needs_a_position(write: Write) -> None:
    roles = {**TOKENS, "pos": "part of speech"}
    path = write("a.conll", "EU\tNNP\tB-ORG\n")
    refused(path, "no column for pos", "pos=1", read=sentences, roles=roles)
    assert sentences(path, roles=roles, columns={"pos": "1"})[0]["pos"] == ["NNP"]


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "emerging.test.annotated", "noextension", "a.conll"])
def test_content_tells_conll_whatever_the_extension(write: Write, name: str) -> None:
    assert [row["tokens"] for row in sentences(write(name, SIMPLE))] == [["EU", "rejects"], ["Peter"]]
    assert [row["tokens"] for row in sentences(write(f"{name}.gz", gzip.compress(SIMPLE.encode())))] == [
        ["EU", "rejects"],
        ["Peter"],
    ]


def test_one_sentence_without_blank_lines_is_conll_by_its_tags(write: Write) -> None:
    assert sentences(write("a.txt", "EU B-ORG\nrejects O\n"))[0]["tokens"] == ["EU", "rejects"]


def test_a_table_for_a_task_that_prefers_conll_is_a_table(write: Write) -> None:
    path = write("a.tsv", "tokens\ttags\nEU rejects\tB-ORG O\n\nPeter\tB-PER\n")
    assert [row["tokens"] for row in sentences(path)] == ["EU rejects", "Peter"]


def test_json_tokens_for_a_task_that_prefers_conll(write: Write) -> None:
    path = write("a.txt", '{"tokens": ["EU"], "ner_tags": ["B-ORG"]}\n')
    assert dict(sentences(path)[0].fields) == {"tokens": ["EU"], "tags": ["B-ORG"]}


@pytest.mark.parametrize("token", ["[", "{", "[garbus]", '{"a"'])
def test_a_bracket_as_first_token_is_not_json(write: Write, token: str) -> None:
    assert sentences(write("a.txt", f"{token}\tO\nb\tO\n"))[0]["tokens"] == [token, "b"]


def test_a_task_that_does_not_read_conll_says_so(write: Write) -> None:
    refused(write("a.conll", SIMPLE), "looks like conll", "csv")


_WORD = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=" "), min_size=1, max_size=5).filter(
    lambda word: not word.startswith(("-DOCSTART-", "\ufeff"))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.tuples(_WORD, st.sampled_from(["O", "B-X", "I-X"])), min_size=1), min_size=1),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\t", " ", "\t\t"]),
    st.sampled_from(["\t", " "]),
)
def test_whatever_is_written_is_read(
    tmp_path: Path, written: list[list[tuple[str, str]]], end: str, blank: str, separator: str
) -> None:
    lines = [line for sentence in written for line in [*(f"{w}{separator}{t}" for w, t in sentence), blank]]
    path = tmp_path / "a.conll"
    path.write_bytes(end.join(lines).encode())
    rows = sentences(path, columns={"tokens": "0"})
    assert [list(zip(row["tokens"], row["tags"], strict=True)) for row in rows] == written
