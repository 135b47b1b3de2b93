"""The package ``taskzoo-similarity`` as a reader would use it: an encoder learns and searches, a list is ordered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.runs.kit import Result, zoo

PACKAGE = "taskzoo-similarity"


@pytest.fixture
def trained(
    on_path: Callable[[str], None], tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> Callable[..., Result]:
    """A function that trains a task for two steps into ``run`` in the folder of the test."""
    on_path(PACKAGE)

    def train(task: str, *more: object) -> Result:
        short = ("--model", tiny_checkpoint("bert"), "--output", tmp_path / "run", "--json", "--set", "max_steps=2")
        found = zoo("run", task, *short, *more)
        assert found.code == 0, found.err
        return found

    return train


def test_an_encoder_is_trained_and_searches(trained: Callable[..., Result], tmp_path: Path) -> None:
    tasks = {task["name"]: task["distribution"] for task in zoo("tasks", "--json").json}
    assert tasks["similarity"] == tasks["reranking"] == PACKAGE
    found = trained("similarity", "--method", "hard-negatives", "--baseline")
    scores = found.json["metrics"]
    assert "baseline  the model before training: validation ndcg@10" in found.err
    assert {"ndcg@10", "mrr@10_ci95", "recall@10", "recall@100"} <= set(scores["test"])
    assert (scores["baseline"]["name"], scores["baseline"]["rows"]) == ("the model before training", 0)
    corpus, vectors = tmp_path / "corpus.txt", tmp_path / "vectors.npy"
    corpus.write_text("the lamp is broken\nwhere is the sofa\n", encoding="utf-8")
    assert zoo("embed", tmp_path / "run", "--input", corpus, "--output", vectors).code == 0
    assert vectors.stat().st_size > 128
    hit = zoo("search", tmp_path / "run", "where is the sofa", "--corpus", corpus, "--top", "1", "--json").json
    assert (hit["line"], hit["cosine"]) == (2, pytest.approx(1.0, abs=1e-5))
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["mined_negatives"] > 0


@pytest.mark.slow
def test_a_reranker_reads_lists(trained: Callable[..., Result], tmp_path: Path) -> None:
    lists = [{"query": f"q {i}", "positive": [f"right {i}"], "negative": [f"wrong {i}", "other"]} for i in range(12)]
    file = tmp_path / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in lists), encoding="utf-8")
    scores = trained("reranking", "--train", file, "--test", file, "--validation", file).json["metrics"]["test"]
    assert (scores["queries"], scores["rows"]) == (12, 36)
    assert {"ndcg@10_ci95", "mrr", "map"} <= set(scores)


@pytest.mark.slow
def test_its_own_tests_pass(own_tests: Callable[[str], None]) -> None:
    own_tests(PACKAGE)
