from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest
import seqeval.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB2

from taskzoo.errors import DataError
from taskzoo.metrics.evaluate_modules import as_evaluate_module
from taskzoo.metrics.intervals import bootstrap_intervals
from taskzoo_ner.metrics import SpanF1
from taskzoo_ner.spans import strict_spans

TAGS = ["O", "B-A", "I-A", "B-B", "I-B", "B-c-d", "I-c-d"]
tag = st.sampled_from(TAGS)
pairs = st.lists(st.lists(st.tuples(tag, tag), max_size=10), min_size=1, max_size=5)


def example(tags: list[str]) -> dict[str, Any]:
    """Words of four characters with a space between."""
    entities = [{"start": 5 * s, "end": 5 * e - 1, "label": label} for s, e, label in strict_spans(tags)]
    return {"tags": tags, "entities": entities}


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(pairs)
def test_equal_to_seqeval(drawn: list[list[tuple[str, str]]]) -> None:
    gold_tags = [[gold for gold, _ in sentence] for sentence in drawn]
    tags = [[predicted for _, predicted in sentence] for sentence in drawn]
    predictions, references = [example(t) for t in tags], [example(t) for t in gold_tags]
    metric = SpanF1()
    ours = metric.compute(predictions, references)

    strict: dict[str, Any] = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    for name in ("precision", "recall", "f1"):
        theirs = getattr(seqeval.metrics, f"{name}_score")(gold_tags, tags, average="micro", **strict)
        assert ours[name] == pytest.approx(theirs, abs=1e-12)
    lenient = seqeval.metrics.f1_score(gold_tags, tags, average="micro", zero_division=0)
    assert ours["f1_conlleval"] == pytest.approx(lenient, abs=1e-12)
    if any(tags):
        assert ours["accuracy"] == pytest.approx(seqeval.metrics.accuracy_score(gold_tags, tags))

    per_type = metric.details(predictions, references)["per_type"]
    if per_type:
        report = seqeval.metrics.classification_report(gold_tags, tags, output_dict=True, **strict)
        for label, scores in per_type.items():
            assert scores["f1"] == pytest.approx(report[label]["f1-score"], abs=1e-12)
            assert scores["precision"] == pytest.approx(report[label]["precision"], abs=1e-12)
            assert scores["recall"] == pytest.approx(report[label]["recall"], abs=1e-12)
            assert scores["support"] == report[label]["support"]


def test_known_numbers() -> None:
    gold = [example(["B-A", "I-A", "O", "B-B"]), example(["O"])]
    predicted = [example(["B-A", "O", "O", "B-B"]), example(["I-B"])]
    metric = SpanF1()
    assert metric.statistics(predicted, gold).tolist() == [[1, 2, 2, 3, 4, 1, 2, 2], [0, 0, 0, 0, 1, 0, 1, 0]]
    scores = metric.compute(predicted, gold)
    assert scores == {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "accuracy": pytest.approx(3 / 5),
        "f1_conlleval": pytest.approx(2 / 5),
    }
    assert metric.details(predicted, gold) == {
        "per_type": {
            "A": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
            "B": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1},
        },
        "found": {"what": "entities", "predicted": 2, "gold": 2},
    }


def test_type_and_offsets_must_be_exact() -> None:
    gold = [{"tags": ["B-A"], "entities": [{"start": 0, "end": 3, "label": "A"}]}]
    for wrong in ({"start": 0, "end": 3, "label": "B"}, {"start": 0, "end": 2, "label": "A"}):
        scores = SpanF1().compute([{"tags": ["B-A"], "entities": [wrong]}], gold)
        assert scores["f1"] == 0.0
        assert scores["f1_conlleval"] == 1.0


def test_duplicates_count_once() -> None:
    gold = example(["B-A"])
    doubled = {"tags": ["B-A"], "entities": gold["entities"] * 2}
    assert SpanF1().statistics([doubled], [gold])[0, :3].tolist() == [1, 1, 1]


def test_is_offered_as_an_evaluate_module() -> None:
    module = as_evaluate_module(SpanF1())
    assert isinstance(module, evaluate.Metric)
    assert "conlleval" in module.description
    rich = {**example(["B-A", "O"]), "text": "Anna sang"}
    module.add(prediction=rich, reference=rich)
    module.add_batch(predictions=[example([])], references=[example([])])
    assert module.compute()["f1"] == 1.0


def test_compute_takes_empty_data_and_further_keys() -> None:
    metric = SpanF1()
    assert all(map(math.isnan, metric.compute([], []).values()))
    empty = example([])
    assert metric.compute([empty], [empty])["accuracy"] == 0.0
    rich = {**example(["B-A", "O"]), "text": "Anna sang"}
    rich["entities"] = [{**entity, "score": 0.9} for entity in rich["entities"]]
    assert metric.compute([empty, rich], [empty, rich])["f1"] == 1.0


def test_unequal_lengths_name_the_example() -> None:
    good = example(["O"])
    with pytest.raises(DataError, match="Example 1 has 2 predicted tags for 1 words"):
        SpanF1().statistics([good, example(["O", "O"])], [good, good])
    with pytest.raises(DataError, match="1 predictions for 2 references"):
        SpanF1().statistics([good], [good, good])


def test_statistics_are_additive_and_bootstrap() -> None:
    metric = SpanF1()
    assert metric.statistics([], []).shape == (0, 8)
    gold = [example(["B-A", "O"]), example(["O", "B-B"])] * 10
    predicted = [example(["B-A", "O"]), example(["O", "O"])] * 10
    statistics = metric.statistics(predicted, gold)
    assert statistics.dtype == np.float64
    low, high = bootstrap_intervals(len(statistics), metric.scorer(statistics), samples=50)["f1"]
    assert low <= metric.from_sums(statistics.sum(axis=0))["f1"] <= high


def test_works_offline_in_a_fresh_process_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "from taskzoo_ner.metrics import SpanF1\n"
        "gold = [{'tags': ['B-A'], 'entities': [{'start': 0, 'end': 3, 'label': 'A'}]}]\n"
        "print(SpanF1().compute(gold, gold)['f1'])\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))}
    environment = {**kept, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "1.0", done.stderr
    assert list(tmp_path.rglob("*")) == []
