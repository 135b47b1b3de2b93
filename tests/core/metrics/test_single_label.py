"""Single-label scores equal those of scikit-learn; hierarchies, calibration and details are right by hand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.metrics.single_label import SingleLabel

LABELS = ["red", "green", "blue", "grey"]


def examples(labels: list[str]) -> list[dict[str, Any]]:
    return [{"label": label} for label in labels]


def score(metric: SingleLabel, predicted: list[str], gold: list[str], probabilities: Any = None) -> dict[str, float]:
    predictions = examples(predicted)
    if probabilities is not None:
        predictions = [{**p, "_probabilities": row} for p, row in zip(predictions, probabilities, strict=True)]
    statistics = metric.statistics(predictions, examples(gold))
    return metric.of_all(statistics)


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([*LABELS, "made up"]), st.sampled_from([*LABELS, "never trained"])),
        min_size=1,
        max_size=25,
    )
)
def test_equal_to_scikit_learn(drawn: list[tuple[str, str]]) -> None:
    predicted, gold = [p for p, _ in drawn], [g for _, g in drawn]
    ours = score(SingleLabel(LABELS), predicted, gold)
    theirs = {"accuracy": sk.accuracy_score(gold, predicted), "mcc": sk.matthews_corrcoef(gold, predicted)}
    for average in ("macro", "micro", "weighted"):
        theirs[f"f1_{average}"] = sk.f1_score(gold, predicted, average=average, zero_division=0)
    theirs["precision_macro"] = sk.precision_score(gold, predicted, average="macro", zero_division=0)
    theirs["recall_macro"] = sk.recall_score(gold, predicted, average="macro", zero_division=0)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-12), name

    per_label = SingleLabel(LABELS).details(examples(predicted), examples(gold))["per_label"]
    report = sk.classification_report(gold, predicted, output_dict=True, zero_division=0)
    assert set(per_label) == {*predicted, *gold}
    for label, scores in per_label.items():
        expected = {**report[label], "f1": report[label]["f1-score"]}
        assert scores == {name: pytest.approx(expected[name]) for name in ("precision", "recall", "f1", "support")}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(0, 2))
def test_probabilities_equal_to_scikit_learn(seed: int, rows: int, decimals: int) -> None:
    generator = np.random.default_rng(seed)
    second = generator.random(rows).astype(np.float32).round(decimals)  # zeros, ones and ties
    probabilities = np.stack([1 - second, second], axis=1)
    gold = generator.integers(2, size=rows)
    ours = score(
        SingleLabel(["no", "yes"]),
        [["no", "yes"][p] for p in probabilities.argmax(1)],
        [["no", "yes"][g] for g in gold],
        probabilities,
    )
    assert ours["log_loss"] == pytest.approx(sk.log_loss(gold, probabilities, labels=[0, 1]), rel=1e-5, abs=1e-6)
    if len(set(gold)) == 2:
        assert ours["roc_auc"] == pytest.approx(sk.roc_auc_score(gold, second), abs=1e-12)
    else:
        assert np.isnan(ours["roc_auc"])
    chosen = probabilities.argmax(1)
    for name in ("precision", "recall", "f1"):
        assert ours[name] == pytest.approx(getattr(sk, f"{name}_score")(gold, chosen, zero_division=0), abs=1e-12)


def test_log_loss_of_many_labels_equals_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), size=50)
    gold = generator.choice(LABELS, size=50).tolist()
    order = sorted(LABELS)  # what scikit-learn takes the columns to be
    theirs = sk.log_loss(gold, probabilities[:, [LABELS.index(label) for label in order]], labels=order)
    assert score(SingleLabel(LABELS), ["red"] * 50, gold, probabilities)["log_loss"] == pytest.approx(theirs)


def test_gold_labels_outside_the_known_ones_are_wrong_and_have_no_probability() -> None:
    metric = SingleLabel(["no", "yes"])
    gold, probabilities = ["yes", "no", "maybe"], [[0.2, 0.8], [0.6, 0.4], [0.1, 0.9]]
    found = score(metric, ["yes", "no", "yes"], gold, probabilities)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["roc_auc"] == 1.0
    assert found["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert found["ece"] == pytest.approx((0.2 + 0.4 + 0.9) / 3)
    # nobody can be right about it, not even by its name
    assert score(metric, ["maybe"], ["maybe"])["accuracy"] == 0.0
    assert list(metric.details(examples(["yes"] * 3), examples(gold))["per_label"]) == ["no", "yes", "maybe"]


def test_calibration_error_by_hand() -> None:
    probabilities = [[0.95, 0.05], [0.95, 0.05], [0.7, 0.3], [0.3, 0.7]]
    found = score(SingleLabel(["a", "b"]), ["a", "a", "a", "b"], ["a", "b", "a", "b"], probabilities)
    assert found["ece"] == pytest.approx(2 / 4 * abs(0.5 - 0.95) + 2 / 4 * abs(1 - 0.7))


def test_a_bin_holds_its_upper_bound() -> None:
    probabilities = [[0.6, 0.4]]  # 9 / 15
    predictions = [{"label": "a", "_probabilities": row} for row in probabilities]
    (bin,) = SingleLabel(["a", "b"]).details(predictions, examples(["a"]))["calibration"]
    assert (bin["low"], bin["high"]) == (pytest.approx(8 / 15, abs=1e-4), pytest.approx(9 / 15))


def test_without_probabilities_the_prediction_is_certain() -> None:
    found = score(SingleLabel(["a", "b"]), ["a", "a", "b", "b"], ["a", "b", "b", "b"])
    assert found["ece"] == pytest.approx(0.25)
    assert found["log_loss"] == pytest.approx(-np.log(np.finfo(np.float32).eps) / 4, rel=1e-5)
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score([0, 1, 1, 1], [0, 0, 1, 1]))


def test_a_hierarchy_counts_levels_and_ancestors() -> None:
    labels = ["science/physics/optics", "science/physics", "science/biology", "sport"]
    gold = [labels[0], labels[0], labels[0], labels[3], labels[1]]
    predicted = [labels[0], labels[1], labels[2], labels[0], labels[1]]
    found = score(SingleLabel(labels, hierarchy="/"), predicted, gold)
    levels = [found[f"accuracy_level{level}"] for level in (1, 2, 3)]
    assert levels == [pytest.approx(4 / 5), pytest.approx(3 / 5), pytest.approx(2 / 5)]
    assert levels[-1] == found["accuracy"]
    # ancestors in common 3 + 2 + 1 + 0 + 2; predicted 3 + 2 + 2 + 3 + 2; gold 3 + 3 + 3 + 1 + 2
    assert found["f1_hierarchical"] == pytest.approx(2 * 8 / (12 + 12))
    assert "accuracy_level1" not in score(SingleLabel(labels), predicted, gold)


def test_the_same_name_under_another_parent_is_another_label() -> None:
    found = score(SingleLabel(["a/x", "b/x"], hierarchy="/"), ["a/x"], ["b/x"])
    assert (found["accuracy_level1"], found["accuracy_level2"], found["f1_hierarchical"]) == (0.0, 0.0, 0.0)


def test_a_new_gold_label_may_still_be_right_at_its_parent() -> None:
    found = score(SingleLabel(["a/x", "b/x"], hierarchy="/"), ["a/x"], ["a/new"])
    assert (found["accuracy_level1"], found["accuracy_level2"], found["accuracy"]) == (1.0, 0.0, 0.0)
    # what is no label has no place in the hierarchy
    found = score(SingleLabel(["a/x", "b/x"], hierarchy="/"), ["a/new"], ["a/new"])
    assert (found["accuracy_level1"], found["f1_hierarchical"]) == (0.0, 0.0)


def test_details_by_hand() -> None:
    labels = ["a", "b", "c"]
    probabilities = [[0.9, 0.1, 0.0], [0.55, 0.45, 0.0], [0.55, 0.45, 0.0], [0.1, 0.2, 0.7]]
    predictions = [
        {"label": labels[int(np.argmax(p))], "_probabilities": np.array(p, np.float32)} for p in probabilities
    ]
    details = SingleLabel(labels).details(predictions, examples(["a", "b", "b", "b"]))
    assert details["confusion"] == [
        {"gold": "b", "predicted": "a", "count": 2},
        {"gold": "b", "predicted": "c", "count": 1},
    ]
    by_confidence = {row["min_confidence"]: (row["coverage"], row["accuracy"]) for row in details["abstention"]}
    assert by_confidence[0.5] == (1.0, 0.25)
    assert by_confidence[0.6] == (0.5, 0.5)
    assert by_confidence[0.99] == (0.0, None)
    assert [bin["count"] for bin in details["calibration"]] == [2, 1, 1]
    assert details["calibration"][0]["confidence"] == pytest.approx(0.55, abs=1e-6)
    assert details["calibration"][0]["accuracy"] == 0.0


def test_only_the_most_frequent_confusions_are_listed() -> None:
    labels = [f"l{i:02}" for i in range(40)]
    gold = [label for i, label in enumerate(labels[1:]) for _ in range(i + 1)]
    confusion = SingleLabel(labels).details(examples(["l00"] * len(gold)), examples(gold))["confusion"]
    assert [row["count"] for row in confusion] == list(range(39, 19, -1))


def test_many_labels_need_no_table_of_all_pairs() -> None:
    import tracemalloc

    labels = [f"l{i}" for i in range(3000)]
    gold = [labels[i * 7 % 3000] for i in range(3000)]
    metric = SingleLabel(labels)
    tracemalloc.start()
    statistics = metric.statistics(examples(labels), examples(gold))
    metric.scorer(statistics)(np.ones(3000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # 3000 x 3000 numbers take 72 MB


def test_no_warnings_when_labels_are_absent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score(SingleLabel(LABELS), ["red"], ["red"])
    assert (found["f1_macro"], found["mcc"]) == (1.0, 0.0)
