"""Rows prepared in parts, each behind the few that tell how, are those prepared together."""

from __future__ import annotations

import random

import pytest

from taskzoo import registry
from taskzoo.types import Row

WORDS = ["Ada", "went", "to", "Lima", "with", "Kim", "𝒳", "yesterday", "😀", "and", "Noor", "left", "Oslo"]
LABELS = {
    "names": ["food", "sport", " sport", "News"],
    "numbers": [1, 2, 3, 4, 5],
    "spelled": ["1", "1.0", "2", "2.0"],
    "several": ["a,b", "a", "b", "c", "b,c"],
    "lists": [["a"], ["a", "b"], []],
    "stars": ["1", "2", "3", "4", "5"],
    "commas": ["1,5", "2", "3,25", "4", "1,0"],
    "truth": [True, False],
}


def text_rows(kind: str, count: int = 200) -> list[Row]:
    draw = random.Random(kind)
    return [Row({"text": f"text {n}", "label": draw.choice(LABELS[kind])}, "f.csv", n + 1) for n in range(count)]


def tagged_rows(scheme: str, count: int = 200) -> list[Row]:
    draw, rows = random.Random(scheme), []
    inside = {"IOB1": ["I-PER", "I-LOC"], "IOB2": ["B-PER", "B-LOC"], "bare": ["B", "B"], "BIOES": ["S-PER", "S-LOC"]}
    for number in range(count):
        tokens = draw.choices(WORDS, k=draw.randint(2, 8))
        tags = ["O"] * len(tokens)
        if draw.random() < 0.3:
            tags[0] = draw.choice(inside[scheme])
        if scheme == "IOB1" and draw.random() < 0.05:
            tags[:2] = ["I-PER", "B-PER"]
        rows.append(Row({"tokens": tokens, "tags": tags}, "f.jsonl", number + 1))
    return rows


def span_rows(unit: str, count: int = 100) -> list[Row]:
    draw, rows = random.Random(unit), []
    size = {"characters": len, "UTF-16": lambda text: len(text.encode("utf-16-le")) // 2}[unit]
    for number in range(count):
        words = draw.choices(WORDS, k=6)
        words[0] = "😀" if draw.random() < 0.1 else "Ada"
        before, word = " ".join(words[:3]) + " ", words[3]
        start = size(before)
        span = {"start": start, "end": start + size(word), "label": "X"} | (
            {"text": word} if draw.random() < 0.5 else {}
        )
        rows.append(Row({"text": " ".join(words), "spans": [span]}, "f.jsonl", number + 1))
    return rows


CASES = [
    *(("classification", kind, {}, text_rows(kind)) for kind in LABELS if kind not in ("commas",)),
    *(("sentiment", kind, {}, text_rows(kind)) for kind in ("names", "numbers", "stars", "commas", "spelled")),
    ("sentiment", "numbers", {"stars_as": "numbers"}, text_rows("numbers")),
    *(("ner", scheme, {}, tagged_rows(scheme)) for scheme in ("IOB1", "IOB2", "bare", "BIOES")),
    *(("ner", unit, {}, span_rows(unit)) for unit in ("characters", "UTF-16")),
]


@pytest.mark.parametrize(("name", "kind", "options", "rows"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_parts_are_prepared_as_the_whole(name, kind, options, rows):
    entry = next(entry for entry in registry.tasks() if entry.spec.id == name)
    defaults = {option: entry.spec.options[option].default for option in entry.spec.options} | options
    together, apart = entry.load()(defaults), entry.load()(defaults)
    expected = together.prepare(rows, "train")
    telling = apart.telling_rows(iter(rows))
    assert telling is not None
    assert len(telling) < len(rows) / 2
    assert apart.prepare(telling, "train")
    parts = [apart.prepare([*telling, *rows[at : at + 30]], "train")[len(telling) :] for at in range(0, len(rows), 30)]
    assert [example for part in parts for example in part] == expected
    together.fit(expected)
    apart.fit(expected)
    assert together.state() == apart.state()
    assert together.describe() == apart.describe()
