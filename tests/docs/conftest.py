"""What the snippets in the documentation run on.

A tiny model under the name ``minilm``, two training steps, and a part of each demo set.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from taskzoo.spec import TaskSpec

ROWS = {"train": 300, "validation": 60, "test": 60}
"""What is left of the splits of a demo set; `zoo learning-curve` is shown with up to 256 rows. Of pairs, a third."""


@pytest.fixture(scope="session")
def small_catalogue(tiny_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's configuration folder whose registry.yaml puts the tiny model and two steps in place of the real ones."""
    import yaml

    from taskzoo import registry

    folder = tmp_path_factory.mktemp("config")
    tasks = [entry.spec.id for entry in registry.tasks()]
    languages = ["en", "zh"]
    model = {
        "path": str(tiny_checkpoint("bert")),
        "family": "bert",
        "kind": "encoder",
        "replace": True,
        "languages": languages,
    }
    short = {"max_steps": 2, "batch_size": 8}
    recipes = [{"tasks": task, "set": short} for task in tasks]
    writers = [entry.spec.id for entry in registry.tasks() if "max_new_tokens" in entry.spec.options]
    recipes += [{"tasks": task, "set": {"max_new_tokens": 4}} for task in writers]  # untrained, they write to the limit
    catalogue = {"version": 2, "models": {"minilm": model}, "recipes": recipes}
    (folder / "registry.yaml").write_text(yaml.safe_dump(catalogue), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def small_demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """What stands for ``demo_folder`` of ``taskzoo.runs.data``: folders with ``ROWS`` rows from all over each file."""
    from taskzoo.runs.data import demo_folder

    made: dict[Path, Path] = {}

    def make(spec: TaskSpec, variant: str = "") -> Path:
        whole = demo_folder(spec, variant)
        if whole not in made:
            made[whole] = tmp_path_factory.mktemp("demo") / "demo"
            made[whole].mkdir()
            for file in whole.iterdir():
                if file.stem in ROWS:
                    (made[whole] / file.name).write_text(thinned(file, ROWS[file.stem]), encoding="utf-8")
        return made[whole]

    return make


def thinned(file: Path, count: int) -> str:
    """The text of a data file with about ``count`` of its rows, one of every few."""
    end = "\n\n" if file.suffix == ".conll" else "\n"
    rows = file.read_text(encoding="utf-8").rstrip("\n").split(end)
    first = 1 if file.suffix == ".csv" else 0
    count //= 3 if file.suffix == ".jsonl" else 1
    return end.join([*rows[:first], *rows[first :: max(1, len(rows) // count)]]) + "\n"


@pytest.fixture(scope="session")
def small_rows() -> tuple[list[list[str]], list[list[str]]]:
    """Words and IOB2 tags of thirty sentences."""
    people, places = ["Ada Lovelace", "Grace Hopper", "Alan Turing"], ["Paris", "New York", "Kyoto", "Oslo", "Lima"]
    tokens, tags = [], []
    for person in people:
        for place in places:
            for verb in ("visited", "lives in"):
                first, last = person.split()
                words, names = verb.split(), place.split()
                tokens.append([first, last, *words, *names, "."])
                tags.append(["B-PER", "I-PER", *["O"] * len(words), "B-LOC", *["I-LOC"] * (len(names) - 1), "O"])
    return tokens, tags
