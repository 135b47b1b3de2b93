from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.readers import content_sha256, find_splits, names_parallel, require_source, source_files
from taskzoo.errors import DataError

from .conftest import Write
from .kit import PAIR, both, refused, translations

HI = [("Hi", "嗨"), ("Bye", "再见")]
EN, ZH = "Hi\nBye\n", "嗨\n再见\n"
DIRECTION = {"source": "en", "target": "zh"}


@pytest.fixture
def corpus(write: Write, tmp_path: Path) -> Path:
    write("train.en", EN)
    write("train.zh", ZH)
    return tmp_path / "train"


@pytest.mark.parametrize("name", ["train", "train.en", "train.zh", "train.{en,zh}", "train.{zh,en}"])
def test_the_ways_to_name_a_pair(corpus: Path, name: str) -> None:
    rows = translations(corpus.with_name(name), **DIRECTION)
    assert both(rows) == HI
    assert [row.line for row in rows] == [1, 2]
    assert {row.source for row in rows} == {f"{corpus}.en"}
    assert {row["languages"] for row in rows} == {("en", "zh")}
    assert both(translations(corpus.with_name(name), "zh", "en")) == [(b, a) for a, b in HI]


def test_without_languages_the_file_that_is_named_is_the_source(corpus: Path) -> None:
    assert both(translations(Path(f"{corpus}.en"))) == HI
    rows = translations(Path(f"{corpus}.zh"))
    assert both(rows) == [(b, a) for a, b in HI]
    assert rows[0]["languages"] == ("zh", "en")
    assert both(translations(corpus.with_name("train.{zh,en}"))) == [(b, a) for a, b in HI]
    refused(corpus, "train.en, train.zh", "which is the source", read=translations)
    assert both(translations(corpus, source="en")) == both(translations(corpus, target="zh")) == HI


@pytest.mark.parametrize(
    "names",
    [
        ("x.en.gz", "x.zh.gz"),
        ("x.eng", "x.cmn"),
        ("x.en.txt", "x.zh.txt"),
        ("x.src", "x.tgt"),
        ("x.source", "x.target"),
        ("x.en-zh.en", "x.en-zh.zh"),
    ],
)
def test_the_names_of_the_files(write: Write, tmp_path: Path, names: tuple[str, str]) -> None:
    for name, content in zip(names, (EN, ZH), strict=True):
        write(name, gzip.compress(content.encode()) if name.endswith("gz") else content)
    for name in ("x", *names):
        assert both(translations(tmp_path / name, **DIRECTION)) == HI, name
    if "." in names[0][2:] or names[0][2:] in ("src", "source"):
        assert both(translations(tmp_path / names[0])) == HI


def test_the_direction_in_the_name(write: Write, tmp_path: Path) -> None:
    write("x.zh-en.en", EN)
    write("x.zh-en.zh", ZH)
    assert both(translations(tmp_path / "x")) == [(b, a) for a, b in HI]
    assert both(translations(tmp_path / "x.zh-en")) == [(b, a) for a, b in HI]


def test_files_that_have_no_common_name(write: Write, tmp_path: Path) -> None:
    write("english.txt", EN)
    write("chinese.txt", ZH)
    path = tmp_path / "{english,chinese}.txt"
    assert both(translations(path)) == HI
    assert both(translations(path, "zh", "en")) == [(b, a) for a, b in HI]


def test_of_several_languages_those_that_are_set(corpus: Path, write: Write) -> None:
    write("train.de", "Hallo\nAde\n")
    assert both(translations(corpus, **DIRECTION)) == HI
    assert both(translations(corpus, "de", "en")) == [("Hallo", "Hi"), ("Ade", "Bye")]
    refused(Path(f"{corpus}.en"), "train.de, train.en, train.zh", read=translations)
    assert both(translations(Path(f"{corpus}.en"), target="zh")) == HI


def test_a_file_of_another_region_is_counted(write: Write, tmp_path: Path) -> None:
    write("a.en", EN)
    write("a.pt_PT", "olá\nadeus\n")
    for asked, count in (("pt-BR", 2), ("pt", 0)):
        notes: Counter[str] = Counter()
        assert len(translations(tmp_path / "a", "en", asked, notes=notes)) == 2
        assert notes == Counter({"texts in pt-PT taken for pt-BR, there being none nearer": count} if count else {})


def test_files_in_other_languages(corpus: Path) -> None:
    refused(corpus, "none of train.en, train.zh is in fr or de", read=translations, source="fr", target="de")
    with pytest.raises(DataError, match=r"none of train\.en, train\.zh"):
        find_splits(corpus.parent, PAIR, {"source": "fr", "target": "de"})


def test_unequal_lengths(corpus: Path, write: Write) -> None:
    write("train.en", "one\ntwo\nthree\nfour\n")
    said = ("has 4 lines", "train.zh has 2", "ends with '再见'", "'three'")
    refused(Path(f"{corpus}.en"), *said, line=3, read=translations)
    write("train.en", "one\n")
    path = Path(f"{corpus}.zh")
    refused(path, "has 2 lines", "train.en has 1", "'再见'", line=2, read=translations, **DIRECTION)


def test_a_line_that_is_empty_on_one_side(corpus: Path, write: Write) -> None:
    write("train.zh", "嗨\n \n")
    write("train.en", "Hi\nBye\n")
    with pytest.raises(DataError) as caught:
        translations(corpus, **DIRECTION)
    assert str(caught.value).startswith(f"{corpus}.zh:2: this line is empty, and in train.en it is 'Bye'")


def test_lines_that_are_empty_on_both_sides_are_left_out_and_counted(write: Write, tmp_path: Path) -> None:
    from collections import Counter

    write("x.en", "Hi\n\nBye\n\n")
    write("x.zh", "嗨\n \n再见")
    notes: Counter[str] = Counter()
    rows = translations(tmp_path / "x", notes=notes, **DIRECTION)
    assert both(rows) == HI
    assert [row.line for row in rows] == [1, 3]
    assert notes == {"empty lines left out": 1}


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_only_newlines_end_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    lines = [line + "." for line in lines]
    folder = tmp_path_factory.mktemp("pair")
    for name, end in (("x.en", "\n"), ("x.zh", "\r\n")):
        (folder / name).write_bytes("".join(line + end for line in lines).encode())
    if not lines[0].startswith("\ufeff"):
        assert both(translations(folder / "x", **DIRECTION)) == [(line, line) for line in lines]


def test_a_missing_partner(write: Write, tmp_path: Path) -> None:
    path = write("train.en", EN)
    write("notes.md", "x")
    refused(path, "the target, train.zh, is not here", "notes.md", "--format", read=translations, **DIRECTION)
    assert [row["source"] for row in translations(path, required=frozenset(["source"]), **DIRECTION)] == ["Hi", "Bye"]
    refused(tmp_path / "tarin.en", "no such file", "'train.en'", read=translations, **DIRECTION)
    refused(tmp_path / "nowhere" / "x.en", "nor a folder", read=translations, **DIRECTION)


def test_a_file_in_braces_that_is_missing(write: Write, tmp_path: Path) -> None:
    write("x.en", EN)
    with pytest.raises(DataError, match=r"x\.zh: there is no such file"):
        translations(tmp_path / "x.{en,zh}")


def test_columns_and_groups_make_no_sense(corpus: Path) -> None:
    path = Path(f"{corpus}.en")
    refused(path, "leave out --columns, --group-by", read=translations, columns={"source": "0"}, group="0")


def test_the_format_by_name(corpus: Path, write: Write) -> None:
    assert both(translations(Path(f"{corpus}.en"), format="parallel")) == HI
    refused(write("a.txt", EN), "train.en and train.zh", read=translations, format="parallel")
    table = write("b.en", "Hi\t嗨\nBye\t再见\n")
    columns = {"source": "0", "target": "1"}
    assert both(translations(table, format="tsv", columns=columns)) == HI


def test_a_table_is_read_although_parallel_files_are_near(corpus: Path, write: Write) -> None:
    assert both(translations(write("train.csv", "en,zh\nHi,嗨\n"))) == [("Hi", "嗨")]
    assert both(translations(write("train", "en\tzh\nHi\t嗨\n"))) == [("Hi", "嗨")]


def test_splits_of_a_folder(write: Write, tmp_path: Path) -> None:
    for split in ("train", "dev", "test.en-zh"):
        for code, text in (("en", EN), ("zh", ZH), ("de", EN)):
            write(f"{split}.{code}", text)
    found = find_splits(tmp_path, PAIR, DIRECTION)
    assert {split: path.name for split, path in found.items()} == {
        "train": "train.en",
        "validation": "dev.en",
        "test": "test.en-zh.en",
    }
    turned = find_splits(tmp_path, PAIR, {"source": "de", "target": "en"})
    assert turned["train"].name == "train.de"
    for path in found.values():
        assert both(translations(path, **DIRECTION)) == HI
    with pytest.raises(DataError, match="which is the source"):
        find_splits(tmp_path, PAIR, {"source": "", "target": ""})


def test_two_forms_of_one_split_are_refused(write: Write, tmp_path: Path) -> None:
    for name in ("train.en", "train.zh", "my_train.en", "my_train.zh"):
        write(name, EN)
    assert find_splits(tmp_path, PAIR, DIRECTION)["train"].name == "train.en"
    write("train.csv", "en,zh\na,b\n")
    write("train.tsv", "en\tzh\na\tb\n")
    with pytest.raises(DataError, match="could each be the train file"):
        find_splits(tmp_path, PAIR, DIRECTION)


@pytest.mark.parametrize("name", ["train", "train.en", "train.{en,zh}"])
def test_both_files_count_for_the_hash(corpus: Path, write: Write, name: str) -> None:
    path = corpus.with_name(name)
    require_source(path, PAIR, DIRECTION)
    assert [file.name for file in source_files(path, DIRECTION)] == ["train.en", "train.zh"]
    before = content_sha256(path, DIRECTION)
    assert before == content_sha256(Path(f"{corpus}.en"), DIRECTION)
    assert before != content_sha256(path, {"source": "zh", "target": "en"})
    write("train.zh", ZH + "!")
    assert content_sha256(path, DIRECTION) != before


def test_names_that_stand_for_no_file(corpus: Path) -> None:
    assert names_parallel(corpus)
    assert names_parallel(f"{corpus}.{{en,zh}}")
    assert not names_parallel(corpus.with_name("test"))
    assert not names_parallel(corpus.with_name("nowhere") / "x")
    for path in (corpus.with_name("test"), corpus.with_name("nowhere") / "x"):
        with pytest.raises(DataError, match="no such file"):
            require_source(path, PAIR, DIRECTION)


def test_other_tasks_read_such_names_as_they_did(write: Write) -> None:
    from .kit import pairs, texts

    settings: dict[str, Any] = {"format": "csv"}
    assert pairs(texts(write("train.en", "text,label\na,b\n"), **settings)) == [("a", "b")]


def test_files_of_two_scripts(write: Write, tmp_path: Path) -> None:
    write("x.en", "learn\n")
    write("x.zh-CN", "学习\n")
    write("x.zh_TW", "學習\n")
    path = tmp_path / "x"
    for target, text in (("zh-CN", "学习"), ("zh-TW", "學習"), ("Traditional Chinese", "學習")):
        for name in ("x", "x.en", "x.zh_TW")[: 3 if "T" in target else 2]:
            assert both(translations(path.with_name(name), "en", target)) == [("learn", text)]
    refused(path, "x.zh-CN, x.zh_TW are all in one language", read=translations, source="en", target="zh")
    rows = translations(path.with_name("x.zh_TW"), target="en")
    assert both(rows) == [("學習", "learn")]
    assert rows[0]["languages"] == ("zh-TW", "en")
    alone = write("y.en", "learn\n").with_name("y")
    write("y.zh-CN", "学习\n")
    refused(alone.with_name("y.en"), "y.zh, is not here", read=translations, source="en", target="zh-TW", required=PAIR)
