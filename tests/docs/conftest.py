"""What the snippets in the documentation run on: a tiny model under the name ``minilm``, and two training steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


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
