"""The demo data of the translation plugin: what the files promise, and that the generator catches breaches."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tools.demo.shared import PLUGINS, Dice, run
from tools.demo.translation import generate

from taskzoo.data.readers import find_splits

grammar = cache(generate.read_grammar)
made = cache(generate.generate)


def rows(split: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (generate.DATA / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text.lower()))


def test_the_generator_writes_the_files_byte_for_byte() -> None:
    for path, content in generate.files().items():
        assert path.read_bytes() == content


def test_the_generator_runs_as_a_script() -> None:
    command = [sys.executable, "-m", "tools.demo.translation.generate", "--check"]
    result = subprocess.run(command, cwd=PLUGINS.parent, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_check_notices_a_changed_file(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {tmp_path / "zh" / "train": b"{}\n"}

    assert run(files, ["--check"]) == 1
    assert run(files, []) == 0
    assert run(files, ["--check"]) == 0


def test_sizes_and_keys() -> None:
    for split, size in generate.SIZES.items():
        found = rows(split)
        assert len(found) == size
        assert all(set(row) == {"en", "zh"} for row in found)
    assert sum(path.stat().st_size for path in generate.DATA.glob("*.jsonl")) < 1_000_000


def test_the_reader_finds_the_splits_among_the_other_files() -> None:
    assert set(find_splits(generate.DATA, ("source", "target"))) == set(generate.SIZES)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_sentence_occurs_twice(language: str) -> None:
    sentences = Counter(row[language] for split in generate.SIZES for row in rows(split))
    assert [sentence for sentence, count in sentences.items() if count > 1] == []


def test_each_sentence_of_test_and_validation_has_a_combination_training_never_showed() -> None:
    def found(split: str) -> list[set[tuple[int, int]]]:
        return [generate.combinations(pair, grammar()) for pair in made()[split]]

    shown = set().union(*found("train"))
    assert all(combinations - shown for split in ("validation", "test") for combinations in found(split))


def test_held_out_combinations_are_absent_from_the_text_of_training() -> None:
    """Verb and object, read off the sentences themselves: what test eats, training never did."""
    eaten = re.compile(
        r"\b(?:eats?|ate|eating|eaten)\b.*?\b(apple|orange|banana|pear|peach|tomato|carrot|dumpling|cake)"
    )
    seen = {split: {m[1] for row in rows(split) if (m := eaten.search(row["en"]))} for split in ("train", "test")}
    assert len(seen["train"]) > 5
    held = {
        thing.english["one"]
        for verb in grammar().lists["act"]
        for name in verb.objects
        for thing in grammar().lists[name]
        if verb.english["base"] == "eat" and generate.split_of((verb.number, thing.number)) == "test"
    }
    assert held & seen["test"]
    assert not held & seen["train"]


def test_training_shows_each_word_of_the_other_splits() -> None:
    known = {"en": set[str](), "zh": set[str]()}
    for row in rows("train"):
        known["en"] |= words(row["en"])
        known["zh"] |= set(row["zh"])
    for split in ("validation", "test"):
        for row in rows(split):
            assert words(row["en"]) <= known["en"], row
            assert set(row["zh"]) <= known["zh"], row


def test_a_sentence_has_one_translation_in_the_whole_grammar() -> None:
    maker = generate.Maker(grammar(), Dice(1))
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for number in range(20_000):
        pair = maker.pair(*grammar().sentences[number % len(grammar().sentences)])
        assert there.setdefault(pair.english, pair.chinese) == pair.chinese
        assert back.setdefault(pair.chinese, pair.english) == pair.english


def test_every_list_is_used() -> None:
    used = {entry.name for pair in made()["train"] for entry in pair.entries}
    assert used == set(grammar().lists)


@pytest.mark.parametrize(
    ("english", "chinese", "chosen", "expected"),
    [
        (
            "{speaker} {be} {like.now} a {fruit.one}",
            "{speaker}{fruit.measure}{fruit}",
            {"fruit": "apple"},
            "I am like an apple.",
        ),
        ("{other} {was} {like.now}", "{other}", {"other": "he"}, "He was likes."),
        ("a {colour+clothes.one}?", "{colour}", {"clothes": "pair of *shoes", "colour": "red"}, "A pair of red shoes?"),
        ("a {colour+clothes.one}?", "{colour}", {"clothes": "coat", "colour": "red"}, "A red coat?"),
    ],
)
def test_patterns_agree_and_place_adjectives(english: str, chinese: str, chosen: dict[str, str], expected: str) -> None:
    lists = {
        name: [e for e in entries if next(iter(e.english.values())) == chosen.get(name, next(iter(e.english.values())))]
        for name, entries in grammar().lists.items()
    }
    maker = generate.Maker(grammar()._replace(lists=lists), Dice(1))
    assert maker.pair(english, chinese).english == expected


@pytest.mark.parametrize("breach", ["repeated", "another split", "malformed", "does not show", "not 300"])
def test_check_refuses_leaks(breach: str) -> None:
    data = {split: list(pairs) for split, pairs in made().items()}
    first, second = data["test"][:2]
    data["test"][0] = {
        "repeated": first._replace(chinese=second.chinese),
        "another split": data["train"][0],
        "malformed": first._replace(english=first.english + " {}"),
        "does not show": first._replace(english="Oops."),
        "not 300": first,
    }[breach]
    if breach == "not 300":
        del data["test"][0]
    with pytest.raises(ValueError, match=breach):
        generate.check(data, grammar())
