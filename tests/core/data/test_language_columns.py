from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taskzoo.data.hub import load_hub_rows
from taskzoo.data.readers import ReadRequest
from taskzoo.languages import as_language

from .conftest import Write
from .kit import PAIR, PAIR_FORMATS, both, make_spec, refused, texts, translations

HI = [("Hi", "嗨"), ("Bye", "再见")]
TURNED = [(b, a) for a, b in HI]


def parquet(values: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(values), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("head", ["en,zh", "English,Chinese", "EN, zh_CN", "eng_Latn,zho_Hans", "id,en,note,中文"])
@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("a.tsv", "\t"), ("b.csv", ";")])
def test_columns_named_by_languages(write: Write, head: str, name: str, mark: str) -> None:
    heads = head.split(",")
    lines = [mark.join([*(["7"] * (len(heads) == 4)), a, *(["x"] * (len(heads) == 4)), b]) for a, b in HI]
    path = write(name, "\n".join([mark.join(heads), *lines]) + "\n")
    for rows in (
        translations(path),
        translations(path, "en", "zh"),
        translations(path, "en"),
        translations(path, "", "zh"),
    ):
        assert both(rows) == HI
        assert {row["languages"] for row in rows} <= {("en", "zh"), ("en", "zh-CN"), ("en", "zh-Hans")}
    turned = translations(path, "zh", "en")
    assert both(turned) == TURNED
    assert tuple(map(as_language, turned[0]["languages"])) == ("zh", "en")


@pytest.mark.parametrize(
    "content",
    [
        '{"id": 1, "translation": {"en": "Hi", "zh": "嗨"}}\n{"id": 2, "translation": {"en": "Bye", "zh": "再见"}}\n',
        '{"en": "Hi", "zh": "嗨", "meta": {"de": "x"}}\n{"en": "Bye", "zh": "再见", "meta": {"de": "y"}}\n',
        '[{"zh-Hans": "嗨", "English": "Hi"},\n {"zh-Hans": "再见", "English": "Bye"}]',
    ],
)
def test_keys_named_by_languages(write: Write, content: str) -> None:
    path = write("a.json", content)
    assert both(translations(path, "en", "zh")) == HI
    assert both(translations(path, "zh", "en")) == TURNED


def test_without_languages_the_order_of_the_columns_is_the_direction(write: Write) -> None:
    assert both(translations(write("a.csv", "zh,en\n嗨,Hi\n再见,Bye\n"))) == TURNED
    path = write("a.jsonl", '{"translation": {"zh": "嗨", "en": "Hi"}}\n{"translation": {"zh": "再见", "en": "Bye"}}\n')
    assert both(translations(path)) == TURNED
    assert translations(path)[0]["languages"] == ("zh", "en")


def test_parquet(write: Write) -> None:
    nested = write("a.parquet", parquet([{"translation": {"en": a, "zh": b}} for a, b in HI]))
    flat = write("b.parquet", parquet([{"English": a, "Chinese": b} for a, b in HI]))
    for path in (nested, flat):
        assert both(translations(path)) == HI
        assert both(translations(path, "zh", "en")) == TURNED


def test_roles_have_their_own_columns_where_no_language_is_set(write: Write) -> None:
    rows = translations(write("a.csv", "source,target,de,fr\nHi,嗨,x,y\n"))
    assert both(rows) == [("Hi", "嗨")]
    assert "languages" not in rows[0].fields


def test_languages_that_are_set_go_before_a_column_with_the_name_of_a_role(write: Write) -> None:
    path = write("a.csv", "source,en,zh\ntatoeba.org,Hi,嗨\n")
    assert both(translations(path, "en", "zh")) == [("Hi", "嗨")]
    path = write("b.csv", "source,zh\nHi,嗨\n")
    assert both(translations(path, "en", "zh")) == [("Hi", "嗨")]


def test_more_languages_than_roles(write: Write) -> None:
    path = write("a.csv", "en,zh,de\nHi,嗨,Hallo\n")
    refused(path, "'en', 'zh', 'de'", "--columns source=NAME,target=NAME", line=1, read=translations)
    assert both(translations(path, "de", "zh")) == [("Hallo", "嗨")]
    assert both(translations(path, columns={"source": "de", "target": "en"})) == [("Hallo", "Hi")]
    assert both(translations(path, columns={"source": "zh"}, target="de")) == [("嗨", "Hallo")]


def test_two_columns_of_one_language(write: Write) -> None:
    path = write("a.csv", "en,zh-Hans,zh-Hant\nHi,学,學\n")
    refused(path, "target could be column 'zh-Hans' or 'zh-Hant'", read=translations, source="en", target="zh")


REGIONS = "en,zh-CN,zh-TW,pt,pt-PT\nHi,学,學,oi,olá\n"


@pytest.mark.parametrize(
    ("asked", "text", "said"),
    [
        ("zh-TW", "學", "zh-TW"),
        ("zh_Hant", "學", "zh-Hant"),
        ("Chinese (Traditional)", "學", "zh-Hant"),
        ("繁體中文", "學", "zh-Hant"),
        ("zh-HK", "學", "zh-HK"),
        ("zh-CN", "学", "zh-CN"),
        ("简体中文", "学", "zh-Hans"),
        ("pt-PT", "olá", "pt-PT"),
        ("pt-BR", "oi", "pt-BR"),
        ("pt", "oi", "pt"),
    ],
)
def test_the_column_of_the_region_that_is_asked_for(write: Write, asked: str, text: str, said: str) -> None:
    rows = translations(write("a.csv", REGIONS), "en", asked)
    assert both(rows) == [("Hi", text)]
    assert rows[0]["languages"] == ("en", said)


def test_a_column_of_another_region_is_counted(write: Write) -> None:
    path = write("a.csv", "en,pt-PT\nHi,olá\nBye,adeus\n")
    for asked, count in (("pt-BR", 2), ("pt", 0), ("pt-PT", 0)):
        notes: Counter[str] = Counter()
        assert both(translations(path, "en", asked, notes=notes)) == [("Hi", "olá"), ("Bye", "adeus")]
        assert notes == Counter({"texts in pt-PT taken for pt-BR, there being none nearer": count} if count else {})


def test_another_script_than_the_one_asked_for_is_another_language(write: Write) -> None:
    path = write("a.csv", "en,zh-CN\nHi,学\n")
    refused(path, "'en', 'zh-CN'", line=1, read=translations, source="en", target="zh-TW")
    assert both(translations(path, columns={"target": "zh-CN"}, target="zh-TW")) == [("Hi", "学")]
    path = write("b.csv", "en-US,en-GB\nHi,Hello\n")
    assert both(translations(path, "en-GB", "en-US")) == [("Hello", "Hi")]


def test_the_region_of_a_column_is_kept(write: Write) -> None:
    rows = translations(write("a.csv", "en,zh-TW\nHi,學\n"))
    assert rows[0]["languages"] == ("en", "zh-TW")


def test_a_language_that_has_no_column(write: Write) -> None:
    refused(write("a.csv", "en,zh\nHi,嗨\n"), "no column for", line=1, read=translations, source="fr", target="de")


def test_a_table_without_header_whose_columns_tell_by_script(write: Write) -> None:
    lines = "Hi.\t嗨。\tCC-BY 2.0 (CM)\nI use vi.\t我用vi。\tCC-BY 2.0 (Martha)\n"
    path = write("a.txt", "\ufeff" + lines)
    expected = [("Hi.", "嗨。"), ("I use vi.", "我用vi。")]
    assert both(translations(path, "en", "zh")) == expected
    assert both(translations(path, "zh", "en")) == [(b, a) for a, b in expected]
    assert both(translations(path, columns={"source": "0", "target": "1"})) == expected


def test_a_table_without_header_that_does_not_tell(write: Write) -> None:
    path = write("a.tsv", "Hi.\tHallo.\tx\nBye.\tAde.\tx\n")
    for languages in ({}, {"source": "en", "target": "de"}):
        refused(path, "no column for source, target", "source=0,target=1", line=1, read=translations, **languages)
    path = write("b.tsv", "Hi.\t嗨。\tx\n")
    refused(path, "source=0,target=1", line=1, read=translations)


def test_words_that_are_names_of_languages_are_no_header(write: Write) -> None:
    path = write("a.tsv", "English\t英语\nbread\t面包\nwater\t水\n")
    assert len(translations(path, "en", "zh")) == 3
    assert len(translations(path, "en", "zh", columns={"source": "0", "target": "1"})) == 3


def test_a_header_above_columns_that_are_mapped_by_position(write: Write) -> None:
    path = write("a.tsv", "en\tzh\nHi\t嗨\n")
    for languages in ({}, {"source": "en", "target": "zh"}):
        assert both(translations(path, columns={"source": "0", "target": "1"}, **languages)) == [("Hi", "嗨")]


def test_stray_carriage_returns_and_separators_do_not_end_lines(write: Write) -> None:
    path = write("a.tsv", "H\ri\u2028\t嗨\r\nBye\x85\t再\u2029见\r\n")
    rows = translations(path, columns={"source": "0", "target": "1"})
    assert both(rows) == [("H\ri\u2028", "嗨"), ("Bye\x85", "再\u2029见")]


def test_lists_pass_through(write: Write) -> None:
    values = [{"source": ["One.", "Two."], "target": ["a", "b", "c"]}, {"source": ["Three."], "target": ["d"]}]
    lines = write("a.jsonl", "".join(json.dumps(value) + "\n" for value in values))
    for path in (lines, write("a.parquet", parquet(values))):
        for languages in ({}, {"source": "en", "target": "en"}):
            rows = translations(path, **languages)
            assert both(rows) == [(value["source"], value["target"]) for value in values]


def test_one_language_for_both_roles_says_nothing_of_columns(write: Write) -> None:
    path = write("a.csv", "en,document,summary\nx,long,short\n")
    assert both(translations(path, "en", "en")) == [("long", "short")]


def test_rows_that_were_kept_in_a_file_keep_their_languages(write: Write) -> None:
    path = write("a.jsonl", '{"source": "Hi", "target": "嗨", "languages": ["en", "zh"]}\n')
    assert translations(path)[0]["languages"] == ("en", "zh")
    path = write("b.jsonl", '{"source": "Hi", "target": "嗨", "languages": "two"}\n')
    assert "languages" not in translations(path)[0].fields


@pytest.mark.parametrize("head", ["src,tgt", "Article,highlights", "dialogue,summary", "原文,摘要"])
def test_other_usual_names_of_the_roles(write: Write, head: str) -> None:
    assert both(translations(write("a.csv", f"{head},en,zh\nlong,short,x,y\n"))) == [("long", "short")]


def test_other_tasks_know_nothing_of_it(write: Write) -> None:
    path = write("a.csv", "en,text,label\nx,Hi,a\n")
    assert dict(texts(path)[0].fields) == {"text": "Hi", "label": "a"}
    refused(write("b.csv", "en,zh\nHi,嗨\n"), "no column for text", line=1)


def test_hub_rows(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"id": "1", "translation": {"en": "Hi", "zh": "嗨"}}\n', encoding="utf-8")
    spec = make_spec(PAIR, PAIR_FORMATS, languages=PAIR)
    request = ReadRequest(spec, languages={"source": "zh", "target": "en"})
    rows = load_hub_rows(str(folder), request).rows["train"]
    assert dict(rows[0].fields) == {"source": "嗨", "target": "Hi", "languages": ("zh", "en")}


def test_a_required_source_is_enough(write: Write) -> None:
    rows = translations(write("a.jsonl", '{"en": "Hi", "note": "x"}'), "en", "zh", required=["source"])
    assert [row["source"] for row in rows] == ["Hi"]
