"""The demo data of the summarization plugin: what the files promise, and that the generator catches breaches."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tools.demo.shared import PLUGINS, SPLITS, Dice, run, tokens
from tools.demo.summarization import generate

from taskzoo.data.readers import find_splits

COLLECTIONS = pytest.mark.parametrize("collection", generate.COLLECTIONS, ids=lambda found: found.folder)
read = cache(generate.read_source)
made = cache(lambda folder: generate.generate(next(c for c in generate.COLLECTIONS if c.folder == folder)))


def rows(folder: str, split: str) -> list[dict[str, str]]:
    text = (generate.DATA / folder / f"{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def first_sentence(text: str) -> str:
    return text[: min(text.find(mark) for mark in (". ", "。") if mark in text) + 1]


def test_the_generator_writes_the_files_byte_for_byte() -> None:
    written = generate.files()
    assert set(written) == set(generate.DATA.rglob("*.jsonl"))
    for path, content in written.items():
        assert path.read_bytes() == content, path
    assert sum(map(len, written.values())) < 3_000_000


def test_the_generator_runs_as_a_script() -> None:
    command = [sys.executable, "-m", "tools.demo.summarization.generate", "--check"]
    result = subprocess.run(command, cwd=PLUGINS.parent, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_check_notices_a_changed_file(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {tmp_path / "zh" / "train": b"{}\n"}

    assert run(files, ["--check"]) == 1
    assert run(files, []) == 0
    assert run(files, ["--check"]) == 0


@COLLECTIONS
def test_sizes_and_keys(collection: generate.Collection) -> None:
    for split, size in collection.sizes.items():
        found = rows(collection.folder, split)
        assert len(found) == size
        assert all(set(row) == {"source", "target"} for row in found)


@COLLECTIONS
def test_the_reader_finds_the_splits_among_the_other_files(collection: generate.Collection) -> None:
    assert set(find_splits(generate.DATA / collection.folder, ("source", "target"))) == set(SPLITS)


@COLLECTIONS
@pytest.mark.parametrize("key", ["source", "target"])
def test_nothing_occurs_twice(collection: generate.Collection, key: str) -> None:
    texts = Counter(row[key] for split in SPLITS for row in rows(collection.folder, split))
    assert [text for text, count in texts.items() if count > 1] == []


@COLLECTIONS
def test_the_first_sentence_is_a_poor_summary(collection: generate.Collection) -> None:
    test = rows(collection.folder, "test")
    scores = [generate.rouge_l(tokens(first_sentence(row["source"])), tokens(row["target"])) for row in test]
    assert statistics.mean(scores) < 0.3


@COLLECTIONS
def test_the_readme_gives_the_score_of_the_mere_form(collection: generate.Collection) -> None:
    """A summary with the facts of another report scores high here; whoever reads a score has to know how high."""
    data = made(collection.folder)
    stated = re.search(
        r"ROUGE-L of (\d+) \(Chinese: (\d+)\)", (generate.DATA / "README.md").read_text(encoding="utf-8")
    )
    assert stated
    floor = 100 * generate.form_only(data["train"], data["test"])
    assert floor == pytest.approx(float(stated[1 if collection.folder == "." else 2]), abs=0.5)


@COLLECTIONS
def test_names_and_numbers_of_a_summary_stand_in_its_report(collection: generate.Collection) -> None:
    for report in made(collection.folder)["test"]:
        assert all(report.names[slot].lower() in report.source.lower() for slot in report.named), report.source


@COLLECTIONS
def test_half_of_the_test_summaries_have_a_name_training_knows_from_other_kinds_only(
    collection: generate.Collection,
) -> None:
    shown: dict[str, set[str]] = {}
    everywhere: set[str] = set()
    for report in made(collection.folder)["train"]:
        shown.setdefault(report.kind, set()).update(report.names.values())
        everywhere.update(report.names.values())
    fresh = 0
    for report in made(collection.folder)["test"]:
        names = {report.names[slot] for slot in report.named}
        assert names <= everywhere
        fresh += bool(names - shown[report.kind])
    assert fresh >= 0.45 * collection.sizes["test"]


@COLLECTIONS
def test_training_and_validation_never_show_the_wordings_of_test(collection: generate.Collection) -> None:
    kinds = read(collection.source).kinds.values()
    wordings = {text for kind in kinds for role in generate.ROLES for text in kind.roles[f"{role} test"]}
    data = made(collection.folder)
    for split in ("train", "validation"):
        assert not any(wordings & set(report.wordings) for report in data[split])
    assert sum(bool(wordings & set(report.wordings)) for report in data["test"]) > 0.9 * collection.sizes["test"]


@COLLECTIONS
def test_no_two_asides_of_a_report_share_a_name_or_number(collection: generate.Collection) -> None:
    for kind in read(collection.source).kinds.values():
        for role in ("aside", "aside test"):
            chosen = generate.apart(kind.roles[role])
            slots = [found[1] for text in chosen for found in generate.SLOT.finditer(text)]
            assert max(Counter(slots).values(), default=1) == 1


def test_numbers_are_words_up_to_twelve_and_digits_where_asked() -> None:
    kind = generate.Kind(
        0, {"n": (7, 7), "m": (13, 13)}, {"target": ["{n.digits} {m}"], "lead": ["go."], "a": ["x"], "b": ["{n} {m}"]}
    )
    kind.roles.update({"aside": ["y"]})
    source = generate.Source({}, {"k": kind})
    report = generate.make_report(source, generate.COLLECTIONS[0], "k", "train", Dice(1))
    assert report.target == "7 13"
    assert "Seven 13" in report.source


@COLLECTIONS
@pytest.mark.parametrize("breach", ["repeated", "kept from training", "wordings of test", "malformed", "not show"])
def test_check_refuses_leaks(collection: generate.Collection, breach: str) -> None:
    data = {split: list(reports) for split, reports in made(collection.folder).items()}
    source = read(collection.source)
    first, second = data["test"][:2]
    kept = next(report for report in data["test"] if generate.kept_slots(report, source, collection) & report.named)
    worded = next(r for r in data["test"] if set(r.wordings) - {w for t in data["train"] for w in t.wordings})
    split, bad = {
        "repeated": ("test", first._replace(target=second.target)),
        "kept from training": ("train", kept),
        "wordings of test": ("train", data["train"][0]._replace(wordings=worded.wordings)),
        "malformed": ("test", first._replace(source=first.source + "{place}")),
        "not show": ("test", first._replace(source=first.source + " Abracadabra.")),
    }[breach]
    data[split][0] = bad
    with pytest.raises(ValueError, match=breach):
        generate.check(data, source, collection)
