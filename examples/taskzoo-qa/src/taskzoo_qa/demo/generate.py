"""Write the demo sets: ``python -m taskzoo_qa.demo.generate FOLDER`` (the same bytes every time).

Each context tells four facts about a person and one about somebody else. The questions have other words than the
facts. Where a question has no answer, the fact is not told, or only of the other person. The splits share no names.
The English set is in JSON lines, the Chinese one in the nested JSON of SQuAD and CMRC.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

CONTEXTS = {"train": 160, "validation": 40, "test": 50}
SPLITS = tuple(CONTEXTS)


class Fact(NamedTuple):
    """A statement with ``{p}`` for the person and ``{a}`` for the answer, questions, and what the answer may be."""

    statement: str
    questions: Sequence[str]
    answers: Sequence[str]


def _list(text: str) -> list[str]:
    """Items that are separated by ``|`` or else by spaces."""
    return text.split("|" if "|" in text else None)


class Language(NamedTuple):
    """What texts are put together from. ``first`` and ``last`` are names, in three parts for the three splits."""

    first: Sequence[Sequence[str]]
    last: Sequence[Sequence[str]]
    name: str
    facts: Sequence[Fact]
    joint: str


EN = Language(
    (
        _list("Anna Boris Clara David Elena Felix Greta Hugo Irene Jonas Karin Louis"),
        _list("Marta Niels Olga Peter"),
        _list("Rosa Simon Teresa Viktor"),
    ),
    (
        _list("Adler Brook Carver Dunn Ellis Foster Grant Hayes Irving Jansen Keller Lane"),
        _list("Morris Norton Olsen Parker"),
        _list("Quinn Reed Stone Turner"),
    ),
    "{first} {last}",
    (
        Fact(
            "{p} was born in {a}.",
            ("Where was {p} born?", "In which city did {p} come into the world?"),
            _list("Vienna Lisbon Oslo Prague Dublin Athens Krakow Porto Turin Bergen Ghent Riga"),
        ),
        Fact(
            "{p} moved abroad in {a}.",
            ("When did {p} leave the country?", "In what year did {p} go abroad?"),
            [str(year) for year in range(1921, 1999)],
        ),
        Fact(
            "{p} earned a living as {a}.",
            ("What was the profession of {p}?", "What did {p} do for work?"),
            _list("a baker|a surgeon|an architect|a sailor|a watchmaker|a lawyer|an engraver|a bookseller"),
        ),
        Fact(
            "{p} studied at {a}.",
            ("Which school did {p} attend?", "Where did {p} study?"),
            _list(
                "the University of Leiden|the Royal Academy|Trinity College|the Technical Institute of Milan|"
                "the Conservatory of Lyon|the School of Mines"
            ),
        ),
        Fact(
            "In the evenings {p} played {a}.",
            ("Which instrument did {p} play?", "On what did {p} make music?"),
            _list("the violin|the harp|the accordion|the flute|the double bass|the bassoon"),
        ),
        Fact(
            "{p} was married to {a}.",
            ("Who was the spouse of {p}?", "Whom did {p} marry?"),
            _list(
                "the painter Ida Moss|the pilot Karl Wren|the poet Nora Field|the chemist Paul Marsh|the singer Eva Li"
            ),
        ),
        Fact(
            "{p} left a fortune of {a} to charity.",
            ("How much money did {p} give away?", "What sum did {p} leave to charity?"),
            _list("$4,000|$15,500|$720|$1.2 million|$90,000|$33,000"),
        ),
    ),
    " ",
)
ZH = Language(
    (tuple("王李张刘陈杨赵黄周吴徐孙"), tuple("马朱胡林"), tuple("何郭罗高")),
    (
        _list("建国 秀英 志强 丽华 海燕 文博 雪梅 国栋 晓东 玉兰"),
        _list("永康 春生 美玲 思远"),
        _list("德胜 嘉怡 立新 慧敏"),
    ),
    "{first}{last}",
    (
        Fact(
            "{p}出生于{a}。",
            ("{p}出生在哪里？", "{p}的出生地是什么地方？"),
            _list("杭州 成都 大连 西安 苏州 昆明 桂林 青岛"),
        ),
        Fact(
            "{p}在{a}年出国。",
            ("{p}是哪一年离开祖国的？", "{p}什么时候去了国外？"),
            [str(y) for y in range(1951, 1999)],
        ),
        Fact(
            "{p}的工作是{a}。", ("{p}从事什么职业？", "{p}是做什么的？"), _list("医生 木匠 律师 工程师 记者 厨师 裁缝")
        ),
        Fact(
            "{p}毕业于{a}。",
            ("{p}在哪所学校读书？", "{p}上的是什么大学？"),
            _list("北京大学 南京师范大学 复旦大学 浙江美术学院 武汉理工大学"),
        ),
        Fact(
            "晚上{p}喜欢演奏{a}。",
            ("{p}会什么乐器？", "{p}用什么乐器演奏音乐？"),
            _list("二胡 古筝 钢琴 小提琴 笛子 琵琶"),
        ),
        Fact(
            "{p}的配偶是{a}。", ("{p}和谁结婚了？", "{p}的爱人是谁？"), _list("画家石青 诗人方明 演员白露 飞行员江涛")
        ),
        Fact(
            "{p}向学校捐款{a}。",
            ("{p}捐了多少钱？", "{p}的捐款数额是多少？"),
            _list("5000元 3.5万元 12万元 800元 100万元"),
        ),
    ),
    "",
)


def contexts(split: str, language: Language) -> list[dict[str, Any]]:
    """``{"context": ..., "qas": [{"id", "question", "answers": [{"text", "start"}]}]}``, three questions each."""
    chance = random.Random(f"qa {split} {language.joint!r}")
    part = SPLITS.index(split)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < CONTEXTS[split]:
        person, other = _names(language, part, chance)
        told, untold = _shuffled(language.facts, chance)
        values = [(fact, person, chance.choice(fact.answers)) for fact in told]
        values.insert(chance.randrange(1, 5), (untold[0], other, chance.choice(untold[0].answers)))
        text, places = "", []
        for fact, who, answer in values:
            before = len(text) + len(fact.statement.partition("{a}")[0].format(p=who))
            places.append((fact, who, answer, before))
            text += fact.statement.format(p=who, a=answer) + language.joint
        asked = [_question(place, chance) for place in chance.sample([p for p in places if p[1] == person], 2)]
        asked.append({"question": chance.choice(untold[chance.randrange(2)].questions).format(p=person), "answers": []})
        if asked[-1]["question"] and chance.random() < 0.3:
            asked[-1] = _question(next(p for p in places if p[1] == other), chance)
        chance.shuffle(asked)
        for number, qa in enumerate(asked, 1):
            qa["id"] = f"{split}-{len(found) + 1}-{number}"
        found.setdefault(text.strip(), {"context": text.strip(), "qas": asked})
    return list(found.values())


def _names(language: Language, part: int, chance: random.Random) -> list[str]:
    first, last = (chance.sample(list(names[part]), 2) for names in (language.first, language.last))
    return [language.name.format(first=a, last=b) for a, b in zip(first, last, strict=True)]


def _shuffled(facts: Sequence[Fact], chance: random.Random) -> tuple[list[Fact], list[Fact]]:
    """Four facts that are told of the person, and the others."""
    order = chance.sample(list(facts), len(facts))
    return order[:4], order[4:]


def _question(place: tuple[Fact, str, str, int], chance: random.Random) -> dict[str, Any]:
    fact, who, answer, start = place
    return {"question": chance.choice(fact.questions).format(p=who), "answers": [{"text": answer, "start": start}]}


def main(folder: Path) -> None:
    """Write the files of both sets into ``folder``."""
    (folder / "zh").mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        rows = [{**qa, "context": one["context"]} for one in contexts(split, EN) for qa in one["qas"]]
        names = ("id", "question", "context", "answers")
        lines = [json.dumps({name: row[name] for name in names}, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
        paragraphs = [
            {"context": one["context"], "qas": [_squad(qa) for qa in one["qas"]]} for one in contexts(split, ZH)
        ]
        nested = {"version": "v2.0", "data": [{"title": split, "paragraphs": paragraphs}]}
        text = json.dumps(nested, ensure_ascii=False, indent=1) + "\n"
        (folder / "zh" / f"{split}.json").write_text(text, encoding="utf-8", newline="\n")


def _squad(qa: dict[str, Any]) -> dict[str, Any]:
    answers = [{"text": answer["text"], "answer_start": answer["start"]} for answer in qa["answers"]]
    return {"question": qa["question"], "id": qa["id"], "answers": answers, "is_impossible": not answers}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
