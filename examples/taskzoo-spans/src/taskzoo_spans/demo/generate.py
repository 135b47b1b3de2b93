"""Write the demo sets: ``python -m taskzoo_spans.demo.generate FOLDER`` (the same bytes every time).

An entity is a pattern such as ``{organization: the University of {place}}``, whose parts may be entities. The splits
share neither names of persons nor of places.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROWS = {"train": 300, "validation": 80, "test": 100}
SPLITS = tuple(ROWS)
_PART = re.compile(r"\{(\w+)\}")

Entity = dict[str, Any]


class Language(NamedTuple):
    """Sentences, and what each ``{part}`` in them may be; ``places`` and ``persons`` are apart for the splits."""

    sentences: Sequence[str]
    patterns: Mapping[str, Sequence[str]]
    places: Sequence[Sequence[str]]
    persons: Sequence[Sequence[str]]


def _list(text: str) -> list[str]:
    """Items that are separated by ``|`` or else by spaces."""
    return text.split("|" if "|" in text else None)


EN = Language(
    (
        "{person} works at {organization}.",
        "{title} {person} came to {place} for {event}.",
        "{organization} moved from {place} to {place}.",
        "{event} was opened by {person}, {title}.",
        "Yesterday {person} met {title} near {place}.",
        "{organization} and {organization} will both support {event}.",
        "In {place} it rained, and {event} was called off.",
        "Nobody at {organization} had heard of {person}.",
        "It was a quiet week, said {title}.",
        "A train from {place} was late.",
        "{person} wrote a letter to {organization} about the weather.",
    ),
    {
        "organization": _list(
            "the University of {place}|the Bank of {place}|{place} Airport|the {place} Chronicle|"
            "the {person} Foundation|{place} United|the Museum of {place}|Northlight|Helvar"
        ),
        "title": _list(
            "the mayor of {place}|the director of {organization}|the ambassador to {place}|"
            "the chairwoman of {organization}|the bishop of {place}"
        ),
        "event": _list(
            "the {place} Film Festival|the Battle of {place}|the {person} Memorial Concert|"
            "the {place} Marathon|the Congress of {place}"
        ),
    },
    (
        _list("Vienna Lisbon Oslo Prague Dublin Athens Krakow Porto Turin Bergen Ghent Riga Malmo Bremen"),
        _list("Zagreb Leeds Tampere Nantes"),
        _list("Bologna Cork Aarhus Basel Gdansk"),
    ),
    (
        _list("Anna Moss|Boris Wren|Clara Field|David Marsh|Elena Holt|Felix Adler|Greta Brook|Hugo Carver|Irene Dunn"),
        _list("Jonas Ellis|Karin Foster|Louis Grant|Marta Hayes"),
        _list("Niels Irving|Olga Jansen|Peter Keller|Rosa Lane"),
    ),
)
ZH = Language(
    (
        "{person}在{organization}工作。",
        "{title}{person}到{place}参加{event}。",
        "{organization}从{place}搬到了{place}。",
        "{event}由{title}{person}宣布开幕。",
        "昨天{person}在{place}见到了{title}。",
        "{organization}和{organization}都支持{event}。",
        "{place}下雨了，{event}取消。",
        "{organization}没有人听说过{person}。",
        "{title}说，这一周很平静。",
        "从{place}开来的火车晚点了。",
        "{person}给{organization}写了一封信。",
    ),
    {
        "organization": _list(
            "{place}大学|{place}银行|{place}机场|{place}日报社|{person}基金会|{place}博物馆|北光公司"
        ),
        "title": _list("{place}市长|{organization}主任|驻{place}大使|{organization}经理"),
        "event": _list("{place}电影节|{place}马拉松|{person}纪念音乐会|{place}博览会"),
    },
    (
        _list("杭州 成都 大连 西安 苏州 昆明 桂林 青岛 长沙 南京 武汉 厦门"),
        _list("宁波 兰州 合肥 洛阳"),
        _list("无锡 贵阳 扬州 烟台"),
    ),
    (
        _list("王建国 李秀英 张志强 刘丽华 陈海燕 杨文博 赵雪梅 黄国栋 周晓东"),
        _list("马永康 朱春生 胡美玲 林思远"),
        _list("何德胜 郭嘉怡 罗立新 高慧敏"),
    ),
)
SETS = {"": EN, "zh": ZH}


def rows(split: str, language: Language) -> list[dict[str, Any]]:
    """``{"text": ..., "spans": [{"start", "end", "label"}]}``, no text twice."""
    chance = random.Random(f"spans {split} {language.sentences[0]}")
    found: dict[str, list[Entity]] = {}
    while len(found) < ROWS[split]:
        text, entities = _filled(chance.choice(language.sentences), language, SPLITS.index(split), chance)
        begun = text[0].upper() + text[1:]
        found.setdefault(begun, sorted(entities, key=lambda one: (one["start"], -one["end"])))
    return [{"text": text, "spans": spans} for text, spans in found.items()]


def _filled(pattern: str, language: Language, part: int, chance: random.Random) -> tuple[str, list[Entity]]:
    """The text of a pattern, and the entities in it."""
    text, entities, at = "", list[Entity](), 0
    for match in _PART.finditer(pattern):
        text += pattern[at : match.start()]
        inner, found = _entity(match[1], language, part, chance)
        entities += [{**one, "start": one["start"] + len(text), "end": one["end"] + len(text)} for one in found]
        text, at = text + inner, match.end()
    return text + pattern[at:], entities


def _entity(label: str, language: Language, part: int, chance: random.Random) -> tuple[str, list[Entity]]:
    choices = {"place": language.places[part], "person": language.persons[part], **language.patterns}[label]
    text, inner = _filled(chance.choice(choices), language, part, chance)
    return text, [{"start": 0, "end": len(text), "label": label}, *inner]


def main(folder: Path) -> None:
    """Write the files of both sets into ``folder``."""
    for name, language in SETS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows(split, language))
            (folder / name / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
