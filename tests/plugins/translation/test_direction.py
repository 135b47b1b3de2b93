"""All rows are of one direction, whatever file they come from."""

from __future__ import annotations

import pytest

from taskzoo import DataError, Row, registry
from taskzoo.data.readers import ReadRequest, read_rows

EN_ZH = Row({"source": "learn", "target": "学习", "languages": ("en", "zh")}, "d/a.csv", 2)
PLAIN = Row({"source": "see", "target": "看"}, "d/a.csv", 3)
ZH_EN = Row({"source": "走", "target": "go", "languages": ("zh", "en")}, "d/b.csv", 7)
EN_DE = Row({"source": "go", "target": "gehen", "languages": ("en", "de")}, "d/c.csv", 4)


def task(**options):
    return registry.load_task("translation")(registry.task("translation").resolve_options(options))


def rows_of(*languages):
    return [Row({"source": "learn", "target": "学习", "languages": pair}) for pair in languages]


@pytest.mark.parametrize(("other", "found"), [(ZH_EN, "zh to en"), (EN_DE, "en to de")])
def test_rows_of_another_direction_are_refused(other, found):
    message = rf"{other.source}:{other.line}: the data are {found}, but those of a.csv:2 are en to zh; leave out"
    with pytest.raises(DataError, match=message):
        task().prepare([EN_ZH, PLAIN, EN_ZH, other], "train")
    for options, before in (({"source_lang": "en", "target_lang": "zh"}, [EN_ZH]), ({"target_lang": "Chinese"}, [])):
        with pytest.raises(DataError, match=rf"the data are {found}, but the direction is set to (en|\?) to"):
            task(**options).prepare([*before, other], "train")


def test_keys_in_another_order_are_the_same_direction(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"en": "go", "zh": "走"}\n{"zh": "看", "en": "see"}\n', encoding="utf-8")
    rows = read_rows(str(tmp_path / "m.jsonl"), ReadRequest(registry.task("translation")))
    assert [example["source"] for example in task().prepare(rows, "train")] == ["go", "see"]


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        ([("en", "zh-TW"), ("en", "zh-TW")], ("en", "zh-TW")),
        ([("en", "zh-TW"), ("en", "zh-CN")], ("en", "zh")),
        ([("en", "zh"), ("en", "zh-TW")], ("en", "zh")),
        ([("", "zh"), ("en", "")], ("en", "zh")),
    ],
)
def test_what_all_rows_say_together(languages, expected):
    made = task()
    made.prepare(rows_of(*languages), "train")
    assert (made.source_lang, made.target_lang) == expected


def test_the_rows_that_tell_are_one_of_each_direction():
    assert task().telling_rows(iter([PLAIN, EN_ZH, EN_ZH, ZH_EN, EN_DE, ZH_EN])) == [EN_ZH, ZH_EN, EN_DE]
    assert task(filter="report").telling_rows([EN_ZH]) is None
