"""A task that is nothing but a spec, tasks with another head, and labels that training did not have."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from taskzoo import DataError, Example, RequestError, Row, TaskSpec
from taskzoo.engine.batches import tensors
from taskzoo.heads.base import Head
from taskzoo.heads.multi_label import MultiLabelHead
from taskzoo.heads.regression import RegressionHead, Scale
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.heads.text_options import PAIR_COLUMNS, TEXT_COLUMNS, TEXT_FORMATS, TEXT_OPTIONS
from taskzoo.heads.text_task import TextTask
from taskzoo.types import Encoded

Load = Callable[..., Any]


class MoodTask(TextTask):
    """Everything as it is by default."""

    spec = TaskSpec(id="mood", contract=2, columns=TEXT_COLUMNS, options=TEXT_OPTIONS, formats=TEXT_FORMATS)


class LengthTask(TextTask):
    """A number; without options of its own."""

    spec = TaskSpec(id="length", contract=2, columns=PAIR_COLUMNS)

    def read_labels(self, rows: Sequence[Row]) -> list[Any]:
        return [float(row["label"]) for row in rows]

    def fit_head(self, gold: Sequence[Any]) -> Head:
        return RegressionHead.fitted(gold)


ROWS = [
    Row({"text": text, "label": text[:4]}, "train.csv", n) for n, text in enumerate(["good 1", "sad 2", "sad 3"], 2)
]


def fitted(task_class: type[TextTask], rows: Sequence[Row], **options: Any) -> TextTask:
    task = task_class(task_class.spec.resolve_options(options))
    task.fit(task.prepare(rows, "train"))
    return task


def twin_of(task: TextTask) -> TextTask:
    twin = type(task)(task.options)
    twin.restore(json.loads(json.dumps(task.state())))
    return twin


def test_a_spec_is_enough_for_a_classifier(tiny_checkpoint: Load, tiny_tokenizer: Load) -> None:
    task = MoodTask(MoodTask.spec.resolve_options({}))
    assert task.primary_metric == "loss"
    examples = task.prepare(ROWS, "train")
    assert [task.dedup_key(example) for example in examples] == [("good 1", "good"), ("sad 2", "sad"), ("sad 3", "sad")]
    task.fit(examples)
    assert task.primary_metric == "f1_macro"
    assert task.describe() == "2 labels, from 1 rows (good) to 2 (sad)"
    tokenizer = tiny_tokenizer()
    encoded = task.encode(examples, tokenizer)
    assert [(f.row, f["target"], f.length == len(f["input_ids"])) for f in encoded.features] == [
        (0, 0, True),
        (1, 1, True),
        (2, 1, True),
    ]
    model = task.head(str(tiny_checkpoint())).eval()
    assert model.config.label2id == {"good": 0, "sad": 1}
    batch = tensors(task.collator(tokenizer)(encoded.features))
    with torch.no_grad():
        outputs = task.forward(model, batch)
    assert task.loss(outputs, batch).weight == 3
    smoothed = task.loss(outputs, batch, label_smoothing=0.1)
    assert smoothed.reported == task.loss(outputs, batch).total != smoothed.total
    parts = [[part] for part in task.predict_batch(model, batch, outputs)]
    predictions = task.assemble(examples, parts)
    assert [p["text"] for p in predictions] == ["good 1", "sad 2", "sad 3"]
    assert {score.name for metric in task.metrics() for score in metric.scores} >= {task.primary_metric}
    assert set(task.tune(examples, parts)) == {"temperature"}
    twin = twin_of(task)
    assert twin.state() == task.state()
    assert [p["score"] for p in twin.assemble(examples, parts)] == [p["score"] for p in task.assemble(examples, parts)]
    assert [p["text"] for p in task.baseline(examples, 0)(task.prepare([Row({"text": "sad 9"})], "predict"))] == [
        "sad 9"
    ]


def test_another_head_is_one_member_more(tiny_tokenizer: Load) -> None:
    task = fitted(LengthTask, [Row({"text": "x" * n, "label": n}) for n in (1, 2, 3, 4)])
    assert isinstance(task.text_head, RegressionHead)
    assert (task.primary_metric, task.describe(), task.probe_first) == ("loss", "", False)
    (example,) = task.prepare([Row({"text": "a", "text_pair": "b", "label": "2"})], "test")
    assert (task.dedup_key(example), task.classes(example)) == (("a\nb", ""), [])
    assert task.references([example]) == [{"value": 2.0}]
    assert [f["target"] for f in task.encode([example], tiny_tokenizer()).features] == [pytest.approx(-0.447, abs=1e-3)]
    assert twin_of(task).assemble([example], [[np.zeros(1)]]) == [{"text": "a", "text_pair": "b", "value": 2.5}]


def test_a_head_of_ones_own_is_restored(tiny_tokenizer: Load) -> None:
    class Certain(SingleLabelHead):
        pass

    class CertainTask(TextTask):
        spec = MoodTask.spec
        heads = (Certain,)

        def fit_head(self, gold: Sequence[Any]) -> Head:
            return Certain(sorted(set(gold)))

    assert isinstance(twin_of(fitted(CertainTask, ROWS)).text_head, Certain)


def test_rows_to_predict_have_no_label() -> None:
    task = MoodTask({})
    examples = task.prepare([Row({"text": text}, "input", n) for n, text in enumerate(["a", "\u200b"], 1)], "predict")
    assert [(e["text"], e["text_pair"], e["label"], e.line) for e in examples] == [
        ("a", None, None, 1),
        ("\u200b", None, None, 2),
    ]
    with pytest.raises(DataError, match="input:2"):
        task.prepare([Row({"text": "a"}, "input", 1), Row({"text": " "}, "input", 2)], "predict")


def test_names_of_labels_are_texts_too(tiny_tokenizer: Load) -> None:
    rows = [Row({"text": f"t{n}", "label": label}) for n, label in enumerate(["cardArrival", "top_up"])]
    task = fitted(MoodTask, rows, label_names=True)
    examples = task.prepare(rows, "train")
    names = task.augment(examples)
    assert [(e["text"], e["label"]) for e in names] == [("card Arrival", "cardArrival"), ("top up", "top_up")]
    features = task.encode([*examples, *names], tiny_tokenizer()).features
    assert [f.get("is_name", False) for f in features] == [False, False, True, True]
    assert fitted(MoodTask, rows).augment(examples) == []
    with pytest.raises(RequestError, match="'7' has no letters"):
        task.augment(task.prepare([Row({"text": "a", "label": 7})], "train"))
    with pytest.raises(RequestError, match="needs labels with names"):
        LengthTask({"label_names": True}).augment([Example({"text": "a", "label": 1.0})])


class GivenHead(MoodTask):
    """With a head and options from outside."""

    head_to_use: ClassVar[Head]

    def fit_head(self, gold: Sequence[Any]) -> Head:
        return self.head_to_use


def encode(head: Head, given: Sequence[tuple[str, Any]], tokenizer: Any, **options: Any) -> Encoded:
    """Examples of ``train.csv``; a label that comes with a file name is of that file."""
    task = GivenHead(MoodTask.spec.resolve_options(options))
    GivenHead.head_to_use = head
    task.fit([Example({"text": "x", "text_pair": None, "label": None}, "train.csv")])
    examples = []
    for line, (text, gold) in enumerate(given, 1):
        source, label = gold if isinstance(gold, tuple) else ("train.csv", gold)
        examples.append(Example({"text": text, "text_pair": None, "label": label}, source, line))
    return task.encode(examples, tokenizer)


@pytest.mark.parametrize(
    ("head", "known", "label"),
    [(SingleLabelHead(["a", "b"]), "a", "strange"), (MultiLabelHead(["a"]), [], ["a", "strange"])],
)
def test_an_unseen_label_of_another_file_is_refused_with_file_and_line(
    tiny_tokenizer: Load, head: Head, known: Any, label: Any
) -> None:
    with pytest.raises(DataError) as raised:
        encode(head, [("x", known), ("y", ("test.csv", label))], tiny_tokenizer())
    assert str(raised.value).startswith("test.csv:2")
    assert "the label 'strange' does not occur in any training row; the labels there are 'a'" in str(raised.value)


def test_an_unseen_label_that_chance_put_into_a_split_is_counted(tiny_tokenizer: Load) -> None:
    encoded = encode(SingleLabelHead(["a", "b"]), [("x", "a"), ("y", "strange"), ("z", None)], tiny_tokenizer())
    assert [f["target"] for f in encoded.features] == [0, None, None]
    assert encoded.counts["rows_with_a_label_unseen_in_training"] == 1
    several = encode(MultiLabelHead(["a", "b"]), [("x", ["strange", "a"]), ("y", ["a"])], tiny_tokenizer())
    assert [f["target"] for f in several.features] == [[0], [0]]
    assert several.counts["rows_with_a_label_unseen_in_training"] == 1


def test_all_windows_of_a_row_have_its_target(tiny_tokenizer: Load) -> None:
    rows = [("a b c d e f g h i j k l m n", "b"), ("x", "a")]
    encoded = encode(SingleLabelHead(["a", "b"]), rows, tiny_tokenizer(), max_length=8, long_texts="windows")
    assert {f["target"] for f in encoded.features if f.row == 0} == {1}
    assert len(encoded.features) > 3
    assert encoded.features[-1]["target"] == 0


def test_numbers_are_standardised(tiny_tokenizer: Load) -> None:
    encoded = encode(RegressionHead(Scale(3.0, 2.0, 1.0, 9.0)), [("x", 5.0), ("y", None)], tiny_tokenizer())
    assert [f["target"] for f in encoded.features] == [1.0, None]
    assert encoded.counts["rows_with_a_label_unseen_in_training"] == 0


# training goes on


def labelled(*labels: Any, pairs: Sequence[int] = ()) -> list[Row]:
    """Rows of these labels, those at the places ``pairs`` with a second text."""
    return [
        Row({"text": f"t{n}", "label": label, **({"text_pair": "u"} if n in pairs else {})}, "train.csv", n)
        for n, label in enumerate(labels)
    ]


def test_new_labels_of_further_training_rows_are_spelled_alike() -> None:
    twin = twin_of(fitted(MoodTask, labelled("1", "2")))
    twin.extend(twin.prepare(labelled("5.0", "5", "1.0"), "train"))
    assert twin.text_head.labels == ["1", "2", "5"]
    assert [example["label"] for example in twin.prepare(labelled("5.00", "7", "7.0"), "test")] == ["5", "7", "7.0"]


@pytest.mark.parametrize(
    ("before", "further", "refused"),
    [((), (0, 1), True), ((), (0,), True), ((), (), False), ((0,), (0,), False), ((0,), (0, 1), False)],
)
def test_pairs_of_texts_are_refused_where_the_earlier_run_had_none(
    before: Sequence[int], further: Sequence[int], refused: bool
) -> None:
    twin = twin_of(fitted(LengthTask, labelled(1, 2, pairs=before)))
    rows = twin.prepare(labelled(1, 2, pairs=further), "train")
    if refused:
        with pytest.raises(RequestError, match="was trained on single texts, and these rows are pairs"):
            twin.extend(rows)
    else:
        twin.extend(rows)
        assert twin.state()["some_pairs"] == bool(before)


def test_an_earlier_version_does_not_say_whether_there_were_pairs() -> None:
    state = fitted(LengthTask, labelled(1, 2)).state()
    twin = LengthTask({})
    twin.restore({name: value for name, value in state.items() if name not in ("some_pairs", "shares")})
    twin.extend(twin.prepare(labelled(1, 2, pairs=(0,)), "train"))
