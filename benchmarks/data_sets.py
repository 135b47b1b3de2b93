"""The data sets of the benchmarks in one table: their task, their score, and how their files are read.

A name is one of :data:`TABLE`, read from a folder that holds one folder per data set, or
``generated-CLASSES-IMBALANCE`` (``generated-20-10``: 20 classes, the largest ten times as frequent as the smallest),
which needs no files.
"""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generate import generated_rows
from texts import hold_out, read_folder

Rows = list[dict[str, Any]]
"""Rows as ``taskzoo.finetune`` takes them: a mapping from role to value for each."""

Reader = Callable[[Path], dict[str, Rows]]
"""From a folder to the rows of ``train``, ``test`` and, where the authors made one, ``validation``."""

GENERATED = "generated-"
HELD_OUT, LEAST_VALIDATION, MOST_VALIDATION = 1000, 20, 500
EMOTIONS = 8


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set.

    Args:
        task: the task that it is for.
        metric: the score to compare by.
        read: its reader.
        settings: what every run on it sets, such as languages.
        folder: of its files, if that is not called as the data set is.
    """

    task: str
    metric: str
    read: Reader
    settings: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """The rows of one run."""

    train: Rows
    validation: Rows
    test: Rows


def data_set(name: str) -> DataSet:
    """The data set of that name; a :class:`SystemExit` that lists the names if there is none."""
    if name.startswith(GENERATED):
        classes, imbalance = (int(part) for part in name.removeprefix(GENERATED).split("-"))
        return DataSet("classification", "f1_macro", lambda _: _generated(classes, imbalance))
    if name not in TABLE:
        raise SystemExit(
            f"There is no data set {name!r}; there are {', '.join(TABLE)} and {GENERATED}CLASSES-IMBALANCE."
        )
    return TABLE[name]


def read(name: str, folder: Path | None) -> dict[str, Rows]:
    """All rows of a data set, by split."""
    if folder is None and not name.startswith(GENERATED):
        raise SystemExit(f"The data set {name!r} is read from files: pass --data FOLDER, which holds {name}/.")
    chosen = data_set(name)
    return chosen.read((folder or Path()) / (chosen.folder or name))


def draw(splits: Mapping[str, Rows], rows: int, seed: int, *, tuning: bool, most: int = HELD_OUT) -> Draw:
    """``rows`` training rows and an eighth as many for validation, drawn by ``seed``; ``most`` test rows at most.

    The test rows are the same for every seed. With ``tuning`` they are not those of the test split, so that no setting
    is chosen on it: they are the authors' validation rows or, if there are none, training rows that no draw contains.
    Rows for validation and test whose labels do not all occur in the training rows are left out.
    """
    pool = _shuffled(splits["train"], 0)
    test = splits["test"]
    if tuning:
        test = splits.get("validation", [])
        if not test:
            held = min(max(HELD_OUT, most), len(pool) // 3)
            test, pool = pool[:held], pool[held:]
    pool = _shuffled(pool, seed)
    wanted = min(max(rows // 8, LEAST_VALIDATION), MOST_VALIDATION, len(pool) // 4)
    train = pool[wanted : wanted + rows]
    known = set().union(*map(_labels, train))
    validation, test = ([row for row in part if _labels(row) <= known] for part in (pool[:wanted], test))
    return Draw(train, validation, _shuffled(test, 0)[:most])


def seen(rows: Draw) -> float:
    """The share of the test rows whose inputs occur in the rows that a method is given, to learn or to choose by."""
    given = {_inputs(row) for row in (*rows.train, *rows.validation)}
    return sum(_inputs(row) in given for row in rows.test) / max(1, len(rows.test))


def _inputs(row: Mapping[str, Any]) -> str:
    """What a model reads of a row."""
    return next(str(row[name]) for name in ("text", "tokens", "source") if name in row)


def _labels(row: Mapping[str, Any]) -> set[str]:
    """The classes of a row, none of a row of another kind."""
    label = row.get("label")
    return {label} if isinstance(label, str) else set(label) if isinstance(label, list) else set()


def _shuffled(rows: Rows, seed: int) -> Rows:
    return random.Random(seed).sample(rows, len(rows))


def _generated(classes: int, imbalance: int) -> dict[str, Rows]:
    return {
        "train": generated_rows(12_000, classes, imbalance, seed=0),
        "validation": generated_rows(HELD_OUT, classes, imbalance, seed=1),
        "test": generated_rows(HELD_OUT, classes, imbalance, seed=2),
    }


def _texts(folder: Path) -> dict[str, Rows]:
    """BANKING77 and the sentence polarity data."""
    splits = read_folder(folder)
    return {name: [{"text": text, "label": label} for text, label in rows] for name, rows in splits.items()}


def _cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _official(folder: Path, make: Callable[[list[str]], dict[str, Any]]) -> dict[str, Rows]:
    """The rows of ``train.tsv``, ``dev.tsv`` and ``test.tsv``."""
    files = {"train": "train", "validation": "dev", "test": "test"}
    return {split: [make(cells) for cells in _cells(folder / f"{name}.tsv") if cells] for split, name in files.items()}


def _tweets(folder: Path) -> dict[str, Rows]:
    splits = _official(folder, lambda cells: {"text": cells[0], "label": cells[1]})
    return {split: rows[1:] for split, rows in splits.items()}  # without the header


def _titles(folder: Path) -> dict[str, Rows]:
    return _official(folder, lambda cells: {"text": cells[1], "label": cells[2]})


def _emotions(folder: Path) -> dict[str, Rows]:
    """The rows with at least one of the most frequent emotions, and these alone as labels."""
    names = (folder / "labels.txt").read_text(encoding="utf-8").split()
    splits = _official(folder, lambda cells: {"text": cells[0], "label": [names[int(i)] for i in cells[1].split(",")]})
    counts = Counter(name for row in splits["train"] for name in row["label"] if name != "neutral")
    kept = [name for name, _ in counts.most_common(EMOTIONS)]
    found = {
        split: [{**row, "label": [name for name in row["label"] if name in kept]} for row in rows]
        for split, rows in splits.items()
    }
    return {split: [row for row in rows if row["label"]] for split, rows in found.items()}


def _ratings(folder: Path) -> dict[str, Rows]:
    rows = [{"text": text, "label": float(rating)} for _, rating, text in _cells(folder / "tweets_GroundTruth.txt")]
    rows = _shuffled(rows, 0)
    return {"train": rows[HELD_OUT:], "test": rows[:HELD_OUT]}


def _shares(folder: Path) -> dict[str, Rows]:
    """Soft labels from mean ratings of -4 to 4: the share of the way from the lowest to the highest."""
    shares = {
        split: [(row["text"], (row["label"] + 4) / 8) for row in rows] for split, rows in _ratings(folder).items()
    }
    return {
        split: [{"text": text, "label": {"negative": 1 - share, "positive": share}} for text, share in rows]
        for split, rows in shares.items()
    }


def _entities(folder: Path) -> dict[str, Rows]:
    files = {"train": "wnut17train.conll", "validation": "emerging.dev.conll", "test": "emerging.test.annotated"}
    return {split: _sentences(folder / name) for split, name in files.items()}


def _sentences(path: Path) -> Rows:
    rows: Rows = [{"tokens": [], "tags": []}]
    for line in path.read_text(encoding="utf-8").split("\n"):
        word, _, tag = line.strip().partition("\t")
        if tag:
            rows[-1]["tokens"].append(word)
            rows[-1]["tags"].append(tag)
        elif rows[-1]["tokens"]:
            rows.append({"tokens": [], "tags": []})
    return [row for row in rows if row["tokens"]]


def _pairs(folder: Path) -> dict[str, Rows]:
    """Split by source sentence, of which some occur in several pairs."""
    lines = (folder / "cmn.txt").read_text(encoding="utf-8-sig").split("\n")
    pairs = [(cells[0], cells[1]) for cells in (line.split("\t") for line in lines) if len(cells) > 1]
    sources = [(source, "") for source in sorted({source for source, _ in pairs})]
    _, held = hold_out(sources, HELD_OUT / len(sources), seed=0)
    of_test = {source for source, _ in held}
    return {
        split: [{"source": a, "target": b} for a, b in pairs if (a in of_test) == (split == "test")]
        for split in ("train", "test")
    }


def _papers(folder: Path) -> dict[str, Rows]:
    files = {"train": "train", "validation": "dev", "test": "test"}
    found: dict[str, Rows] = {}
    for split, name in files.items():
        with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
            papers = [json.loads(line) for line in lines]
        found[split] = [{"source": paper["source"], "target": paper["target"]} for paper in papers]
    return found


TABLE: Mapping[str, DataSet] = {
    "afrisenti_pcm": DataSet("sentiment", "f1_macro", _tweets),
    "afrisenti_swa": DataSet("sentiment", "f1_macro", _tweets),
    "rt_polarity": DataSet("classification", "accuracy", _texts),
    "banking77": DataSet("classification", "accuracy", _texts),
    "goemotions": DataSet("classification", "f1_macro", _emotions),
    "vader_groundtruth": DataSet("sentiment", "pearson", _ratings),
    "vader_shares": DataSet("sentiment", "accuracy", _shares, folder="vader_groundtruth"),
    "csl_category": DataSet("classification", "accuracy", _titles),
    "wnut17": DataSet("ner", "f1", _entities),
    "tatoeba_cmn_eng": DataSet("translation", "chrf", _pairs, {"source_lang": "en", "target_lang": "zh"}),
    "scitldr_a": DataSet("summarization", "rougeL", _papers),
}
