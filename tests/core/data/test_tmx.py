from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import Write
from .kit import both, refused, texts, translations

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">\n'


def memory(*units: str, language: str = "en-US") -> str:
    body = "\n".join(f"<tu>{unit}</tu>" for unit in units)
    return f'{HEAD}<header srclang="{language}" datatype="plaintext"/>\n<body>\n{body}\n</body>\n</tmx>\n'


def variant(language: str, text: str) -> str:
    return f'<tuv xml:lang="{language}"><seg>{text}</seg></tuv>'


HI = variant("zh-CN", "嗨") + variant("en-US", "Hi")
BYE = variant("EN-GB", "Bye") + variant("zh", "再见")


@pytest.mark.parametrize("name", ["a.tmx", "a.xml", "a.txt"])
def test_direction_by_languages(write: Write, name: str) -> None:
    path = write(name, memory(HI, BYE))
    rows = translations(path, "en", "zh")
    assert both(rows) == [("Hi", "嗨"), ("Bye", "再见")]
    assert [row.line for row in rows] == [6, 7]
    assert rows[0]["languages"] == ("en", "zh")
    assert both(translations(path, "zh", "en")) == [("嗨", "Hi"), ("再见", "Bye")]


def test_direction_by_the_header_or_the_first_unit(write: Write) -> None:
    assert both(translations(write("a.tmx", memory(HI, BYE)))) == [("Hi", "嗨"), ("Bye", "再见")]
    assert both(translations(write("b.tmx", memory(HI, language="*all*")))) == [("嗨", "Hi")]
    path = write("c.tmx", memory(HI))
    assert both(translations(path, target="en")) == [("嗨", "Hi")]


def test_tags_in_a_text_are_dropped(write: Write) -> None:
    marked = (
        '<bpt i="1">&lt;b&gt;</bpt>Save<ept i="1">&lt;/b&gt;</ept> the <hi type="x">file</hi> '
        '<ph>{1}</ph>&amp; <it pos="begin">&lt;i&gt;</it>go<!-- no -->\n   on <![CDATA[<now>]]>'
    )
    path = write("a.tmx", memory(variant("en", marked) + variant("zh", "保存")))
    assert both(translations(path)) == [("Save the file & go on <now>", "保存")]


def test_gzipped_and_in_another_encoding(write: Write) -> None:
    assert both(translations(write("a.tmx.gz", gzip.compress(memory(HI).encode())))) == [("Hi", "嗨")]
    text = memory(HI).replace("UTF-8", "UTF-16")
    assert both(translations(write("b.tmx", text.encode("utf-16")))) == [("Hi", "嗨")]


def test_units_that_lack_a_language_are_left_out_and_counted(write: Write) -> None:
    path = write("a.tmx", memory(HI, variant("en", "alone"), variant("en", "x") + variant("de", "y")))
    notes: Counter[str] = Counter()
    assert both(translations(path, "en", "zh", notes=notes)) == [("Hi", "嗨")]
    assert notes == {"units without a text in one of the languages left out": 2}
    sources = translations(path, "en", "zh", required=frozenset(["source"]))
    assert [row["source"] for row in sources] == ["Hi", "alone", "x"]


def test_no_unit_in_these_languages(write: Write) -> None:
    path = write("a.tmx", memory(HI))
    refused(path, "no unit is in en and de", "zh-CN, en-US", read=translations, source="en", target="de")
    refused(write("b.tmx", memory()), "no unit", "none", read=translations, source="en", target="de")


def test_more_languages_than_roles(write: Write) -> None:
    path = write("a.tmx", memory(HI + variant("de", "Hallo")))
    refused(
        path, "3 languages", "'zh-CN', 'en-US', 'de'", "which is the source and which the target", read=translations
    )
    assert both(translations(path, "de", "zh")) == [("Hallo", "嗨")]


def test_several_variants_of_one_language(write: Write) -> None:
    path = write("a.tmx", memory(HI + variant("en-GB", "Hello")))
    assert both(translations(path)) == [("Hi", "嗨"), ("Hello", "嗨")]
    assert both(translations(path, "en-GB")) == [("Hello", "嗨")]
    assert both(translations(path, "en-GB", "en-US")) == [("Hello", "Hi")]


BOTH = variant("en", "learn") + variant("zh-CN", "学习") + variant("zh-TW", "學習")
MIXED = memory(BOTH, variant("en", "rain") + variant("zh-Hant", "雨"), HI)


@pytest.mark.parametrize(
    ("asked", "texts", "left"),
    [
        ("zh-CN", ["学习", "嗨"], 1),
        ("zh-Hans", ["学习", "嗨"], 1),
        ("zh-TW", ["學習"], 2),
        ("zh-Hant", ["雨"], 2),
        ("繁體中文", ["雨"], 2),
        ("zh-HK", ["雨"], 2),
    ],
)
def test_one_script_is_not_the_other(write: Write, asked: str, texts: list[str], left: int) -> None:
    notes: Counter[str] = Counter()
    rows = translations(write("a.tmx", MIXED), "en", asked, notes=notes)
    assert [row["target"] for row in rows] == texts
    assert notes.total() == left


def test_two_scripts_must_be_told_apart(write: Write) -> None:
    path = write("a.tmx", MIXED)
    for target in ("zh", ""):
        refused(
            path, "'zh-CN', 'zh-TW', 'zh-Hant'", "which is the target", read=translations, source="en", target=target
        )
    refused(write("b.tmx", memory(HI)), "no unit is in en and zh-TW", read=translations, source="en", target="zh-TW")
    assert translations(write("c.tmx", memory(variant("en", "a") + variant("zh-TW", "一"))))[0]["languages"] == (
        "en",
        "zh-TW",
    )


def test_another_region_serves_only_where_there_is_no_nearer_one(write: Write) -> None:
    path = write(
        "a.tmx", memory(variant("en", "a") + variant("pt-PT", "um"), variant("en", "b") + variant("pt", "dois"))
    )
    assert [row["target"] for row in translations(path, "en", "pt-BR")] == ["dois"]
    assert [row["target"] for row in translations(path, "en", "pt")] == ["um", "dois"]


def test_another_region_is_counted(write: Write) -> None:
    path = write("a.tmx", memory(*[variant("en", word) + variant("pt-PT", word) for word in "abc"]))
    for asked, expected in [
        ("pt-BR", {"texts in pt-PT taken for pt-BR, there being none nearer": 3}),
        ("pt-PT", {}),
        ("pt", {}),
    ]:
        notes: Counter[str] = Counter()
        assert [row["target"] for row in translations(path, "en", asked, notes=notes)] == ["a", "b", "c"]
        assert notes == expected
    mixed = write("b.tmx", memory(variant("en", "a") + variant("pt-PT", "a") + variant("pt-BR", "b")))
    notes = Counter()
    assert both(translations(mixed, "en", "pt-BR", notes=notes)) == [("a", "b")]
    assert not notes


def test_a_unit_with_an_empty_text_is_left_out_and_counted(write: Write) -> None:
    path = write("a.tmx", memory(HI, variant("en", " ") + variant("zh-CN", "空")))
    notes: Counter[str] = Counter()
    assert both(translations(path, notes=notes)) == [("Hi", "嗨")]
    assert notes.total() == 1
    row = translations(path, incomplete=True)[1]
    assert "source" not in row.fields
    assert (row.source, row.line) == (str(path), 7)


def test_entities_are_refused(write: Write) -> None:
    bomb = memory(variant("en", "&b;") + variant("zh", "x")).replace(
        '"tmx14.dtd"', '"tmx14.dtd" [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]'
    )
    refused(write("a.tmx", bomb), "defines the entity 'a'", line=2, read=translations)
    outside = bomb.replace('"ha"', 'SYSTEM "file:///etc/passwd"')
    refused(write("b.tmx", outside), "defines the entity 'a'", line=2, read=translations)
    unknown = memory(variant("en", "a&nbsp;b") + variant("zh", "x"))
    refused(write("c.tmx", unknown), "the entity 'nbsp' is not defined", line=6, read=translations)


@pytest.mark.parametrize(
    ("content", "said", "line"),
    [
        (memory(HI).replace("</tmx>\n", ""), "broken XML (no element found)", 8),
        (memory("<tuv><seg>x</seg></tuv>"), "no xml:lang", 6),
        (memory("<seg>x</seg>"), "outside of a tuv", 6),
        (memory(HI.replace("Hi", "a < b")), "broken XML", 6),
    ],
)
def test_broken_files(write: Write, content: str, said: str, line: int) -> None:
    refused(write("a.tmx", content), said, line=line, read=translations)


def test_columns_make_no_sense_and_other_tasks_read_none(write: Write) -> None:
    path = write("a.tmx", memory(HI))
    refused(path, "TMX has no columns", read=translations, columns={"source": "0"})
    refused(path, "looks like tmx", read=texts)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], codec="utf-8"), min_size=1))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    from xml.sax.saxutils import escape

    path: Path = tmp_path_factory.mktemp("tmx") / "a.tmx"
    path.write_text(memory(variant("en", escape(text) + ".") + variant("zh", "好")), encoding="utf-8")
    assert both(translations(path)) == [(" ".join((text + ".").split()), "好")]
