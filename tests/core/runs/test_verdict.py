"""What is said of a run before its scores, and that nothing is said of a good one."""

from __future__ import annotations

from typing import Any

import pytest

from taskzoo.metrics.constant import constant_facts
from taskzoo.metrics.generated import GeneratedText
from taskzoo.metrics.multi_label import MultiLabel
from taskzoo.metrics.regression import Regression
from taskzoo.metrics.single_label import SingleLabel
from taskzoo.runs.verdict import alternatives, comparison, judging_score, verdict
from taskzoo.runs.wording import result_notes
from taskzoo.types import Score
from taskzoo_ner.metrics import SpanF1

F1 = Score("f1_macro")
REMEDIES = ["a lower --learning-rate", "--method linear-probe", "another --model"]
TRY = " Try a lower --learning-rate, --method linear-probe or another --model."


def scored(metric: Any, predictions: list[Any], references: list[Any]) -> dict[str, Any]:
    """One split as in ``metrics.json``."""
    details = metric.details(predictions, references) | constant_facts(metric, predictions, references)
    return {**metric.compute(predictions, references), **details, "rows": len(references)}


def labels(text: str) -> list[dict[str, Any]]:
    """``"n8 p2"``: eight rows of n and two of p."""
    return [{"label": word[0]} for word in text.split() for _ in range(int(word[1:]))]


def of_labels(predicted: str, gold: str) -> list[str]:
    split = scored(SingleLabel(["n", "p", "u"]), labels(predicted), labels(gold))
    return verdict({"validation": {}, "test": split}, F1, REMEDIES)


def difference(value: float, low: float, high: float, *, higher_is_better: bool = True) -> dict[str, Any]:
    found = {"metric": "f1_macro", "value": value, "ci95": [low, high], "higher_is_better": higher_is_better}
    return {"name": "TF-IDF", "difference": {"test": found}}


# one answer for all


def test_one_label_for_all_rows_is_the_first_thing_said():
    said = "Every test row was given 'n', the most frequent label: the model has learnt nothing."
    assert of_labels("n100", "n50 p30 u20") == [said + TRY]


def test_a_label_that_is_not_the_most_frequent_one_is_not_called_so():
    (said,) = of_labels("p100", "n50 p30 u20")
    assert said.startswith("Every test row was given 'p': the model has learnt nothing.")


def test_nearly_all_rows():
    said = "199 of 200 test rows were given 'n', the most frequent label: the model has learnt next to nothing."
    assert of_labels("n199 p1", "n100 p60 u40") == [said + TRY]


@pytest.mark.parametrize(
    ("predicted", "gold"),
    [
        ("n60 p30 u10", "n50 p30 u20"),
        ("n50 p50", "n50 p50"),
        ("n100", "n100"),  # all rows have one label
        ("n395 p5", "n393 p7"),  # nearly all rows rightly have it
    ],
)
def test_good_labels_are_not_blamed(predicted, gold):
    assert of_labels(predicted, gold) == []


@pytest.mark.parametrize(("gold", "have"), [("n38 p2", "2 of 40 have another"), ("n39 p1", "one of 40 has another")])
def test_one_answer_that_few_rows_contradict_is_said_without_blame(gold, have):
    said = f"Every test row was given 'n', and {have}: these rows are too few to tell more."
    assert of_labels("n40", gold) == [said]


def test_what_the_model_cannot_read_is_said_without_any_split():
    assert verdict({}, None, ["more epochs"], ["It cannot read these texts."]) == ["It cannot read these texts."]


def test_no_better_than_the_most_frequent_label():
    (said,) = of_labels("p50 n50", "n50 p30 u20")
    assert said.startswith("f1_macro 0.000")
    assert " is not above 0.222, that of giving every row 'n', the most frequent label: the model has " in said
    assert of_labels("p5 n5", "n5 p3 u2") == []  # ten rows show nothing


def test_numbers_no_better_than_the_mean():
    gold = [{"value": float(i % 10)} for i in range(40)]
    far = [{"value": 9.0 - reference["value"]} for reference in gold]
    mse = Score("mse", higher_is_better=False)
    (said,) = verdict({"test": scored(Regression(4.5), far, gold)}, mse)
    assert said.startswith(
        "mse 33.000 is not below 8.250, that of giving every row 4.5, the mean: the model has learnt "
    )
    (same,) = verdict({"test": scored(Regression(4.5), [{"value": 4.5}] * 40, gold)}, mse)
    assert same == "Every test row was given 4.5, the mean: the model has learnt nothing."
    near = [{"value": reference["value"] + 0.5} for reference in gold]
    assert verdict({"test": scored(Regression(4.5), near, gold)}, mse) == []


def test_several_labels():
    gold = [{"labels": names} for names in (["joy"], ["fear", "joy"], [], ["joy", "love"]) for _ in range(10)]
    metric, score = MultiLabel(["joy", "fear", "love"]), Score("f1_macro")
    (none,) = verdict({"test": scored(metric, [{"labels": []}] * 40, gold)}, score)
    assert none.startswith(
        "No labels were found in the 40 test rows, which have 50: the model has learnt nothing. Try "
    )
    (one,) = verdict({"test": scored(metric, [{"labels": ["joy"]}] * 40, gold)}, score)
    assert one == "Every test row was given 'joy', the labels that most rows have: the model has learnt nothing."
    swapped = [{"labels": row["labels"][::-1]} for row in gold]
    assert verdict({"test": scored(metric, swapped, gold)}, score) == []


def entities(*names: str) -> dict[str, Any]:
    found = [{"start": i, "end": i + 1, "label": name} for i, name in enumerate(names)]
    return {"tags": [f"B-{name}" for name in names] or ["O"], "entities": found}


def test_no_entity_at_all():
    gold, none = [entities("PER")] * 30, {"tags": ["O"], "entities": []}
    (said,) = verdict({"test": scored(SpanF1(), [none] * 30, gold)}, Score("f1"))
    assert said.startswith("No entities were found in the 30 test rows, which have 30: the model has learnt nothing.")
    assert verdict({"test": scored(SpanF1(), [*gold[1:], none], gold)}, Score("f1")) == []
    assert verdict({"test": scored(SpanF1(), [none] * 30, [none] * 30)}, Score("f1")) == []  # there is none


# the baseline


def test_worse_than_the_baseline():
    found = verdict({"test": {"rows": 100}, "baseline": difference(-0.2, -0.3, -0.1)}, F1, REMEDIES)
    said = "The model is worse than the baseline (TF-IDF): f1_macro -0.200 [-0.300, -0.100] on test."
    assert found == [said + TRY]


def test_advice_is_given_once():
    split = scored(SingleLabel(["n", "p", "u"]), labels("n100"), labels("n50 p30 u20"))
    first, second = verdict({"test": split, "baseline": difference(-0.2, -0.3, -0.1)}, F1, REMEDIES)
    assert first.endswith(TRY)
    assert second.endswith("[-0.300, -0.100] on test.")


def test_texts_that_the_model_cannot_read_are_named_behind_what_they_cause():
    metrics, misfits = {"test": {"rows": 100}}, ["'minilm' was trained on English."]
    assert verdict(metrics, F1, REMEDIES, misfits) == misfits
    worse, *rest = verdict({**metrics, "baseline": difference(-0.2, -0.3, -0.1)}, F1, REMEDIES, misfits)
    assert worse.startswith("The model is worse than the baseline")
    assert rest == misfits


@pytest.mark.parametrize(
    ("found", "note"),
    [
        (difference(0.2, 0.1, 0.3), "The model is better than the baseline (TF-IDF): f1_macro +0.200 [+0.100, +0.300]"),
        (difference(-0.1, -0.3, 0.1), "No clear difference from the baseline (TF-IDF): f1_macro -0.100 [-0.300, +0.1"),
        (difference(-0.2, -0.3, -0.1, higher_is_better=False), "The model is better than the baseline (TF-IDF): f1_"),
    ],
)
def test_a_model_that_is_not_worse_is_not_blamed(found, note):
    metrics = {"test": {"rows": 100}, "baseline": found}
    assert verdict(metrics, F1) == []
    (said,) = result_notes(metrics)
    assert said.startswith(note)


def test_an_undefined_difference_is_not_judged():
    found = {"metric": "r2", "value": None, "ci95": None, "higher_is_better": True}
    assert comparison({"baseline": {"difference": {"test": found}}}) == ""


# generated texts

SOURCES = [f"ein Satz mit der Nummer {i} und mehr" for i in range(20)]
GOOD = [f"a sentence with the number {i} and more" for i in range(20)]


def of_texts(*outputs: str) -> list[str]:
    """The first outputs; all others are right."""
    texts = [*outputs, *GOOD[len(outputs) :]]
    predictions = [{"source": source, "text": text} for source, text in zip(SOURCES, texts, strict=True)]
    return verdict(
        {"test": scored(GeneratedText(), predictions, [{"targets": [text]} for text in GOOD])}, Score("bleu")
    )


def test_good_texts_are_not_blamed():
    assert of_texts() == []
    assert of_texts("", SOURCES[1], "a b c d a b c d a b c d") == []  # one of each is not many


def test_one_output_for_many_rows():
    (said,) = of_texts(*["we do it"] * 12)
    assert said.startswith('The model generated the same output for 12 of 20 test rows: "we do it". Try ')


def test_a_long_output_is_cut():
    (said,) = of_texts(*["we do it and so on " * 20] * 12)[:1]
    assert len(said) < 300


def test_empty_outputs():
    (said,) = of_texts("", " ", "")
    assert said.startswith("Nothing was generated for 3 of 20 test rows. Try ")


def test_copies_of_the_source():
    (said,) = of_texts(*SOURCES[:4])
    assert said.startswith("For 4 of 20 test rows the output is the source itself. Try ")


def test_a_copy_that_is_right_is_not_blamed():
    same = [{"source": text, "text": text} for text in GOOD]
    assert verdict({"test": scored(GeneratedText(), same, [{"targets": [text]} for text in GOOD])}) == []


def test_outputs_that_loop():
    (said,) = of_texts(*[f"{i} and so on and so on and so on and so on" for i in range(3)])
    assert said.startswith("For 3 of 20 test rows the output repeats the same four words three times or more. Try ")


# all together


def test_what_to_try_is_a_list_of_words():
    assert [alternatives(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]


def test_a_run_without_splits_has_no_verdict():
    assert verdict({}) == []


def test_the_loss_does_not_judge():
    class Task:
        primary_metric = "loss"

        def metrics(self):
            return [Regression(0.0)]

    assert judging_score(Task()).name == "mse"
