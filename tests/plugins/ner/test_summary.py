"""What is said of entities before training and of labelled rows that a run is scored on."""

from __future__ import annotations

from taskzoo import Row, registry
from taskzoo_ner.task import NerTask


def fitted(*sentences: tuple[list[str], list[str]]) -> NerTask:
    task = NerTask(registry.task("ner").resolve_options({}))
    task.fit(task.prepare([Row({"tokens": tokens, "tags": tags}) for tokens, tags in sentences], "train"))
    return task


def test_types_are_counted_and_look_alikes_named() -> None:
    task = fitted((["a", "b", "c"], ["B-PER", "O", "B-LOC"]), (["d", "e"], ["B-Per", "B-LOC"]), (["f"], ["O"]))
    said = "types: LOC (2), PER (1), Per (1); tags in IOB2; 1 of 3 rows without an entity; 'PER' and 'Per' look alike"
    assert task.describe() == said


def test_the_scheme_of_the_data_is_named() -> None:
    assert fitted((["a", "b"], ["S-PER", "O"])).describe() == "types: PER (1); tags in BIOES"


def test_many_types_are_counted_and_cut() -> None:
    said = fitted((["a"] * 60, [f"B-T{i:02}" for i in range(60)])).describe()
    assert said.startswith("60 types: T00 (1), ")
    assert "T39 (1) and 20 more" in said


def test_types_that_the_model_cannot_find_are_named() -> None:
    task = fitted((["a"], ["B-PER"]))
    rows = task.prepare([Row({"tokens": ["x", "y", "z"], "tags": ["B-PER", "B-ORG", "B-ORG"]})], "test")
    (said,) = task.remarks(rows)
    assert said.startswith("2 entities have types that the model was not trained on")
    assert said.endswith("ORG (2)")
    assert task.remarks(rows[:0]) == []
