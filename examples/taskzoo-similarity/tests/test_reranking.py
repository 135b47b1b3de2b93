"""Scores of rankings against scikit-learn, the nested format, and the model in sentence-transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from taskzoo_similarity.ranking import RankingScores
from taskzoo_similarity.ranking_lists import RankingLists

import taskzoo
from taskzoo import DataError
from taskzoo.data.columns import Columns
from taskzoo.data.readers import ReadRequest

SPEC = taskzoo.registry.task_entry("reranking").spec


def scores_of(queries: dict[str, tuple[list[float], list[float]]]) -> dict[str, float]:
    predictions = [{"value": v} for predicted, _ in queries.values() for v in predicted]
    references = [{"query": q, "value": v} for q, (_, gold) in queries.items() for v in gold]
    return RankingScores().compute(predictions, references)


def test_ndcg_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    wanted, queries = [], {}
    for number in range(20):
        gold = generator.integers(0, 4, size=15).astype(float)
        predicted = generator.integers(0, 9, size=15).astype(float)  # with ties
        queries[str(number)] = (list(predicted), list(gold))
        wanted.append(metrics.ndcg_score([gold], [predicted], k=10))
    assert scores_of(queries)["ndcg@10"] == pytest.approx(np.mean(wanted))


def test_mrr_and_map_by_hand() -> None:
    found = scores_of({"a": ([0.9, 0.8, 0.7], [0.0, 1.0, 2.0]), "b": ([0.5, 0.5], [1.0, 0.0]), "c": ([0.1], [0.0])})
    assert found["mrr"] == pytest.approx((1 / 2 + 1 / 2) / 2), "of equal predictions the wrong one comes first"
    assert found["map"] == pytest.approx(((1 / 2 + 2 / 3) / 2 + 1 / 2) / 2)


def test_map_is_the_average_precision_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(1)
    predicted, gold = generator.normal(size=30), generator.integers(0, 2, size=30).astype(float)
    found = scores_of({"a": (list(predicted), list(gold))})
    assert found["map"] == pytest.approx(metrics.average_precision_score(gold, predicted))


def test_queries_without_anything_relevant_do_not_count() -> None:
    references = [{"query": "a", "value": 0.0}, {"query": "b", "value": 1.0}]
    details = RankingScores().details([{"value": 0.1}] * 2, references)
    assert details == {"queries": 2, "nothing_relevant": 1}
    assert scores_of({"a": ([0.1], [0.0]), "b": ([0.1], [1.0])})["mrr"] == 1.0


# the format


def read(*lines: Any, **request: Any) -> list[tuple[str, str, int]]:
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    rows = RankingLists().parse(data.encode(), Columns(ReadRequest(SPEC, **request), "f.jsonl"))
    return [(row["query"], row["passage"], row["relevance"]) for row in rows]


def test_lists_are_rows_of_single_passages() -> None:
    lines = [{"query": "q", "positive": ["a"], "negative": ["b", "c"]}, "", {"query": "r", "pos": "d", "neg": None}]
    assert read(*lines) == [("q", "a", 1), ("q", "b", 0), ("q", "c", 0), ("r", "d", 1)]
    assert RankingLists().matches(json.dumps(lines[0]).encode())
    assert not RankingLists().matches(b'{"query": "q", "passage": "a", "relevance": 1}')


def test_bad_lines_are_refused_or_left_out() -> None:
    good = {"query": "q", "positive": ["a"]}
    lists: Any = [
        ({**good, "negative": 5}, "the negative is 5 and must be a list of texts"),
        ({"query": "q", "pos": {"a": 1}}, "the pos is .* and must be a list of texts"),
        ({"query": "q", "positive": None}, "no passages"),
    ]
    for bad, message in (
        *lists,
        ({"positive": ["a"]}, "under query"),
        ({"query": "q"}, "no passages"),
        ("{", "not JSON"),
    ):
        with pytest.raises(DataError, match=rf"f\.jsonl:2: .*{message}"):
            read(good, bad)
        reasons: list[str] = []
        assert read(good, bad, bad=reasons) == [("q", "a", 1)]
        assert len(reasons) == 1


# a run


def test_scores_have_intervals_over_queries(reranker: taskzoo.Run) -> None:
    scores = reranker.metrics["test"]
    assert {"ndcg@10", "ndcg@10_ci95", "mrr", "map"} <= set(scores)
    assert (scores["queries"], scores["rows"]) == (40, 200)


def test_sentence_transformers_gives_the_same_scores(reranker: taskzoo.Run) -> None:
    library = pytest.importorskip("sentence_transformers")
    model = library.CrossEncoder(str(reranker.path / "model"), device="cpu")
    pairs = [("Where is the lamp?", "The parcel with the lamp has a number."), ("a", "b")]
    ours = [prediction["value"] for prediction in reranker.predict(pairs)]
    assert np.allclose(model.predict(pairs), ours, atol=1e-5)


def test_queries_are_not_split_apart(tiny: Path, tmp_path: Path) -> None:
    from conftest import DEMO, SHORT

    train = str(DEMO / "reranking" / "train.jsonl")
    run = taskzoo.finetune("reranking", model=tiny, train=train, output=tmp_path / "run", **SHORT)
    queries = [row["query"] for row in run.predictions]
    assert all(queries.count(query) == 5 for query in queries)
