"""The demo data of the sentiment plugin: what the files promise, and that the generator catches breaches."""

from __future__ import annotations

import csv
import re
import statistics
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tools.demo.patterns import read_source
from tools.demo.sentiment import generate
from tools.demo.shared import PLUGINS, Dice, run

from taskzoo.data.readers import find_splits

SPLITS = ("train", "validation", "test")
LABELS = {
    ".": {"negative", "neutral", "positive"},
    "zh": {"负面", "中性", "正面"},
    "stars": {"1", "2", "3", "4", "5"},
}
COLLECTIONS = pytest.mark.parametrize("collection", generate.COLLECTIONS, ids=lambda found: found.folder)
made = cache(lambda folder: generate.generate(next(c for c in generate.COLLECTIONS if c.folder == folder)))


def rows(folder: str, split: str) -> list[dict[str, str]]:
    with (generate.DATA / folder / f"{split}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_generator_writes_the_files_byte_for_byte() -> None:
    written = generate.files()
    assert set(written) == set(generate.DATA.rglob("*.csv"))
    for path, content in written.items():
        assert path.read_bytes() == content, path


def test_the_generator_runs_as_a_script() -> None:
    command = [sys.executable, "-m", "tools.demo.sentiment.generate", "--check"]
    result = subprocess.run(command, cwd=PLUGINS.parent, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_check_notices_a_changed_file(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {tmp_path / "zh" / "train": b"{}\n"}

    assert run(files, ["--check"]) == 1
    assert run(files, []) == 0
    assert run(files, ["--check"]) == 0


@COLLECTIONS
def test_sizes_and_columns(collection: generate.Collection) -> None:
    for split in SPLITS:
        found = rows(collection.folder, split)
        assert len(found) == collection.sizes[split]
        assert set(found[0]) == {"text", "label"}
        assert (generate.DATA / collection.folder / f"{split}.csv").stat().st_size < 200_000


@pytest.mark.parametrize("folder", LABELS)
def test_classes_are_balanced(folder: str) -> None:
    for split in SPLITS:
        counts = Counter(row["label"] for row in rows(folder, split))
        assert set(counts) == LABELS[folder]
        assert max(counts.values()) - min(counts.values()) <= 1


def test_values_span_the_scale_in_steps_of_a_tenth() -> None:
    for split in SPLITS:
        labels = [row["label"] for row in rows("intensity", split)]
        assert all(re.fullmatch(r"-?\d\.\d", label) and label != "-0.0" for label in labels)
        values = [float(label) for label in labels]
        assert -4 <= min(values) < -3
        assert 3 < max(values) <= 4
        assert abs(statistics.mean(values)) < 0.5


def test_words_add_up_to_the_value_of_a_text() -> None:
    words = {"thing": ["soup"], "how": ["a bit @-0.5"], "good": ["nice @1.6"]}
    text, worth = generate.fill("the {thing} was {how} {good}.", words, Dice(1))
    assert text == "The soup was a bit nice."
    assert worth == pytest.approx(1.1)


@COLLECTIONS
def test_no_text_occurs_twice(collection: generate.Collection) -> None:
    texts = [row["text"] for split in SPLITS for row in rows(collection.folder, split)]
    plain = Counter(re.sub(r"[\W_]+", "", text.lower()) for text in texts)
    assert [text for text, count in plain.items() if count > 1] == []


@COLLECTIONS
def test_splits_share_no_pattern(collection: generate.Collection) -> None:
    patterns = {split: {example.pattern for example in made(collection.folder)[split]} for split in SPLITS}
    assert not patterns["train"] & patterns["test"]
    assert not patterns["validation"] & patterns["test"]
    assert not patterns["train"] & patterns["validation"]
    assert all(example.pattern == example.text for example in made(collection.folder)["test"])


def test_templates_make_at_most_two_thirds_of_each_english_training_class() -> None:
    train = made(".")["train"]
    labels = Counter(example.label for example in train)
    templates = Counter(example.label for example in train if re.search(r"[\[{]", example.pattern))
    assert all(3 * templates[label] <= 2 * count for label, count in labels.items())


@COLLECTIONS
def test_reader_finds_the_splits_among_the_other_files(collection: generate.Collection) -> None:
    assert set(find_splits(generate.DATA / collection.folder, ("text", "label"))) == set(SPLITS)


@COLLECTIONS
@pytest.mark.parametrize("breach", ["repeated texts", "share patterns", "in a row", "not balanced", "malformed"])
def test_check_refuses_leaks(collection: generate.Collection, breach: str) -> None:
    data = {split: list(examples) for split, examples in made(collection.folder).items()}
    train = max(data["train"], key=lambda example: len(example.text))
    first, second = data["test"][0], data["test"][1]
    data["test"][0] = {
        "repeated texts": first._replace(text=second.text.upper()),
        "share patterns": first._replace(pattern=train.pattern),
        "in a row": first._replace(text="hm 嗯 " + train.text),
        "not balanced": first._replace(label="400"),
        "malformed": first._replace(text="{thing} [a|b]"),
    }[breach]
    with pytest.raises(ValueError, match=breach):
        generate.check(data, read_source(*(generate.SOURCES / name for name in collection.sources)), collection)
