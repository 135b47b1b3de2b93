"""Documents longer than the model: every word is predicted once, and as well late in the document as early."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskzoo import Row, Run, finetune
from taskzoo_ner.metrics import SpanF1
from taskzoo_ner.spans import strict_spans

FILLERS = ("the", "of", "and", "was", "said", "with", "for", "at", "by", ",", ".")
SETTINGS = {"precision": "fp32", "seed": 1, "evaluate_every": 1000}
NAMES = ("Austin", "Abernathy", "Virginia", "Canada", "Photoshop", "Software")


def document(words: int, seed: int) -> dict[str, list[str]]:
    """A name after ``Mayor`` is a person, after ``in`` a place, elsewhere nothing: context decides."""
    choose = random.Random(seed)
    tokens: list[str] = []
    tags: list[str] = []
    while len(tokens) < words:
        kind = choose.random()
        name = choose.choice(NAMES)
        if kind < 0.12:
            tokens += ["Mayor", name, choose.choice(NAMES)]
            tags += ["O", "B-PER", "I-PER"]
        elif kind < 0.24:
            tokens += ["in", name]
            tags += ["O", "B-LOC"]
        elif kind < 0.3:
            tokens += ["the", name]
            tags += ["O", "O"]
        else:
            tokens.append(choose.choice(FILLERS))
            tags.append("O")
    return {"tokens": tokens[:words], "tags": tags[:words]}


@pytest.fixture(scope="module", params=["linear", pytest.param("crf", marks=pytest.mark.slow)])
def trained(request: pytest.FixtureRequest, tiny_checkpoint: Callable[..., Path], tmp_path_factory: Any) -> Run:
    rows = [document(24, seed) for seed in range(600)]
    settings = {**SETTINGS, "epochs": 5, "batch_size": 16, "learning_rate": 1e-2, "max_length": 32}
    splits = {"train": rows, "validation": rows[:8], "test": rows[:8]}
    output = tmp_path_factory.mktemp("long") / "run"
    return finetune("ner", model=str(tiny_checkpoint()), output=output, head=request.param, **splits, **settings)


def f1(tags: list[str], gold: list[str]) -> float:
    sides = [
        {"tags": side, "entities": [{"start": s, "end": e, "label": label} for s, e, label in strict_spans(side)]}
        for side in (tags, gold)
    ]
    metric = SpanF1()
    return metric.compute(sides[:1], sides[1:])["f1"]


def test_a_document_of_3000_words(trained: Run) -> None:
    row = document(3000, seed=1000)
    evaluation = trained.evaluate([row])
    (prediction,) = evaluation.predictions
    assert prediction["tokens"] == row["tokens"]
    tags = prediction["tags"]
    assert len(tags) == 3000
    assert len(evaluation.references[0]["tags"]) == 3000
    early, late = f1(tags[:512], row["tags"][:512]), f1(tags[512:], row["tags"][512:])
    assert early > 0.8
    assert late >= early - 0.05
    assert f1(tags[2500:], row["tags"][2500:]) >= early - 0.08
    assert evaluation.scores["f1"] > 0.8


def test_overlap_gives_words_at_the_seams_their_context(trained: Run) -> None:
    row = document(3000, seed=2000)
    task: Any = trained.task
    scores = {}
    for overlap in (-1, 0):
        before = dict(task.options)
        task.options["overlap"] = overlap
        try:
            (prediction,) = trained.predict_rows([Row(row)])
        finally:
            task.options.update(before)
        scores[overlap] = f1(prediction["tags"], row["tags"])
    assert scores[-1] > scores[0]


def test_training_on_a_long_document_uses_all_of_it(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    """The only entities of one type stand beyond the 512th sub-token, and are learnt all the same."""
    rows = []
    for seed in range(4):
        row = document(700, seed)
        row["tokens"] += ["Mayor", "Entwistle", "Entwistle"] * 30
        row["tags"] += ["O", "B-LATE", "I-LATE"] * 30
        rows.append(row)
    settings = {**SETTINGS, "epochs": 15, "batch_size": 4, "learning_rate": 2e-2}
    splits = {"train": rows, "validation": rows[:1], "test": rows[:1]}
    run = finetune("ner", model=str(tiny_checkpoint()), output=tmp_path / "run", **splits, **settings)
    assert run.metrics["test"]["per_type"]["LATE"]["support"] == 30
    assert run.metrics["test"]["per_type"]["LATE"]["f1"] > 0.9
