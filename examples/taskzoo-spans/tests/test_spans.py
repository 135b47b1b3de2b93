"""The contract by the kit that taskzoo ships, and what is special about this task by hand."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from taskzoo_spans import SPANS
from taskzoo_spans.decoding import Found, best_threshold, choose, join_windows, read_window
from taskzoo_spans.demo import generate
from taskzoo_spans.labels import Label, parse_labels
from taskzoo_spans.metrics import SpanScores
from taskzoo_spans.task import SpansTask
from taskzoo_spans.words import Words, split_words, windows

from taskzoo import DataError, Example, Feature, RequestError, Row
from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.testing import TaskContract, make_tiny_checkpoint

TEXT = "Ann \U0001f600 left the University of Vienna\r\nfor 北京大学。"
UNIVERSITY, VIENNA = (15, 35, "ORG"), (29, 35, "LOC")
PEKING_UNIVERSITY, PEKING = (41, 45, "ORG"), (41, 43, "LOC")


class TestContract(TaskContract):
    task = "spans"


class TestRoberta(TaskContract):
    task = "spans"
    family = "roberta"


def task(**options: Any) -> SpansTask:
    return SpansTask(SPANS.resolve_options(options))


def row(*spans: Any, text: str = TEXT) -> Row:
    return Row({"text": text, "spans": list(spans)}, "f.jsonl", 3)


def prepared(*spans: Any) -> Example:
    return task().prepare([row(*spans)], "train")[0]


# rows


def test_spans_are_sorted_trimmed_and_unique() -> None:
    assert TEXT[15:35] == "University of Vienna"
    given = [VIENNA, {"start": 14, "end": 37, "label": " ORG "}, {"start": 15, "end": 35, "label": "ORG"}]
    assert prepared(*given)["spans"] == [UNIVERSITY, VIENNA]


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({"start": 0, "end": 99, "label": "PER"}, "the span 0-99 (PER) is empty or outside the text of 46 characters"),
        ({"start": 3, "end": 3, "label": "PER"}, "the span 3-3 (PER) is empty"),
        ({"start": 3, "end": 4, "label": "PER"}, "the span 3-4 (PER) holds nothing but whitespace"),
        ({"start": 0, "end": 3, "label": "PER", "text": "Bob"}, "says 'Bob', and the text has 'Ann'"),
        ({"start": "0", "end": 3, "label": "PER"}, "needs whole numbers start and end, and a label"),
        ({"start": 0, "end": 3}, "needs whole numbers start and end, and a label"),
        ("Ann", "the span 'Ann' must be {start, end, label} or [start, end, label]"),
    ],
)
def test_spans_that_cannot_be_used(span: Any, message: str) -> None:
    with pytest.raises(DataError, match=r"^f\.jsonl:3: ") as error:
        prepared(span)
    assert message in str(error.value)


def test_nested_spans_of_annotation_tools_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the University of Vienna", encoding="utf-8")
    ann = "T1\tORG 4 24\tUniversity of Vienna\nT2\tLOC 18 24\tVienna\n"
    (tmp_path / "a.ann").write_text(ann, encoding="utf-8")
    (found,) = task().prepare(read_rows(tmp_path / "a.ann", ReadRequest(SPANS)), "train")
    assert found["spans"] == [(4, 24, "ORG"), (18, 24, "LOC")]


# labels


def test_labels_by_name_and_description() -> None:
    assert parse_labels(" PER = a person , work_of-ART ") == [
        Label("PER", "a person"),
        Label("work_of-ART", "work of art"),
    ]
    assert parse_labels(" ") == []
    for wrong, message in (("PER,,ORG", "separated by commas"), ("PER=", "separated"), ("A,A=b", "'A' is named twice")):
        with pytest.raises(RequestError, match=message):
            parse_labels(wrong)


def test_labels_are_learnt_described_and_exchanged() -> None:
    one = task(labels="LOC=place")
    one.fit([prepared(UNIVERSITY, VIENNA)])
    assert one.labels == [Label("LOC", "place"), Label("ORG", "org")]
    assert one.state()["max_width"] == 3
    later = task(labels="event")
    later.restore(one.state())
    assert [label.name for label in later.labels] == ["event"]
    same = task(labels="LOC=place")
    same.restore(one.state())
    assert same.labels == one.labels
    same.extend([prepared((0, 3, "PER"))])
    assert [label.name for label in same.labels] == ["LOC", "ORG", "PER"]
    with pytest.raises(RequestError, match="no span, so there is nothing to learn"):
        task().fit([prepared()])


def test_a_label_that_no_row_has_is_said() -> None:
    one = task(labels="LOC=place,PRE=person")
    one.fit([prepared(VIENNA, (0, 3, "PER"))])
    assert one.describe() == "3 labels, 2 spans, 0 of which share characters with another; no training row has PRE"
    with pytest.raises(RequestError, match="threshold=2 must be at most 1"):
        task(threshold=2.0)


# features


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2", "modernbert"])
def test_offsets_are_exact_in_every_family(family: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(make_tiny_checkpoint(tmp_path, family, [TEXT, "org loc"] * 3))
    one, gold = task(), [UNIVERSITY, VIENNA, PEKING_UNIVERSITY, PEKING]
    example = prepared(*gold)
    one.fit([example])
    encoded = one.encode([example], tokenizer)
    assert encoded.counts == dict.fromkeys(("windows", "misaligned_spans", "too_long_spans", "lost_spans"), 0)
    (feature,) = encoded.features
    batch = one.collator(tokenizer)([feature])
    assert batch.targets["gold"].sum() == 4
    certain = np.where(batch.targets["gold"] > 0, 9.0, -9.0)
    parts = one.decode(SimpleNamespace(logits=certain), batch)
    (found,) = one.assemble([example], [parts])
    assert [(e["start"], e["end"], e["label"]) for e in found["entities"]] == gold
    assert [e["text"] for e in found["entities"]] == [TEXT[a:b] for a, b, _ in gold]


def test_every_short_span_lies_in_a_window() -> None:
    lengths = [1, 3, 1, 2, 9, 1, 1, 1, 2, 4, 1, 1]
    words = Words([(i, i + 1) for i in range(len(lengths))], [[0] * length for length in lengths])
    cut = list(windows(words, 8, 2))
    assert cut[0][0] == 0
    assert cut[-1][1] == len(lengths)
    assert all(sum(lengths[a:b]) <= 8 or b - a == 1 for a, b in cut)
    apart = [i for i in range(len(lengths) - 1) if not any(a <= i and i + 1 < b for a, b in cut)]
    assert apart == [3, 4], "only spans with the word that is longer than a window"


@pytest.mark.parametrize(
    "words",
    [
        ["हिन्दी", "भाषा", "।"],  # vowels are marks
        ["தமிழ்", "மொழி"],
        ["كِتَابٌ", "جَدِيدٌ"],
        ["Zoe\u0308", "!"],  # an accent of its own
        ["می\u200cروم"],  # a joiner inside a word
        ["\U0001f468\u200d", "\U0001f469", "が\u3099"],
    ],
)
def test_marks_belong_to_their_word(words: list[str]) -> None:
    text = " ".join(words)
    assert [text[start:end] for start, end in split_words(text)] == words


def test_spans_that_no_window_holds_are_counted(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(make_tiny_checkpoint(tmp_path, "bert", ["one two six ten"] * 3))
    text = " ".join(["one two six ten"] * 3)
    example = task().prepare([row((0, 7, "A"), (4, 19, "A"), (12, 31, "A"), text=text)], "train")[0]
    one = task(max_length=6, max_width=4)  # room for four words, of which two are shared
    one.fit([example])
    encoded = one.encode([example], tokenizer)
    assert encoded.counts == {"windows": 5, "misaligned_spans": 0, "too_long_spans": 1, "lost_spans": 1}
    assert sum(len(feature["gold"]) for feature in encoded.features) == 1


# decoding


def test_a_window_gives_the_probable_spans() -> None:
    feature = Feature(0, 4, {"places": [(0, 3), (4, 6)]})
    logits = np.full((3, 2, 2), -9.0)  # a word more than the window has, for padding
    logits[0, 1, 1], logits[1, 0, 0], logits[1, 1, 0], logits[2, 0, 0] = 3.0, 0.0, 9.0, 9.0
    found = read_window(logits, feature, 0.5)
    assert [one[:3] for one in found] == [(0, 6, 1), (4, 6, 0)]
    assert [one.score for one in found] == pytest.approx([1 / (1 + np.exp(-3)), 0.5])


def test_what_may_be_found_together() -> None:
    whole, inner, crossing = Found(0, 9, 0, 0.9), Found(4, 9, 1, 0.8), Found(5, 12, 1, 0.7)
    found = [whole, inner, crossing, Found(20, 22, 0, 0.2)]
    assert choose(found, 0.5, "any") == [whole, inner, crossing]
    assert choose(found, 0.5, "nested") == [whole, inner]
    assert choose(found, 0.5, "flat") == [whole]
    assert join_windows([[Found(0, 9, 0, 0.4)], [whole]]) == [whole]


def test_the_threshold_is_the_best_on_held_out_rows() -> None:
    right = np.array([True, True, False, True, False])
    scores = np.array([0.9, 0.4, 0.3, 0.2, 0.1])
    assert best_threshold(scores, right, 3) == pytest.approx(0.15)  # 3 of 4 right: F1 6/7; two alone: 4/5
    assert best_threshold(scores, np.array([True, False, False, False, False]), 1) == 0.5
    assert best_threshold(np.array([0.3, 0.3]), np.array([True, False]), 1) == pytest.approx((0.3 + 0.05) / 2)


def test_the_threshold_is_chosen_on_what_would_be_found() -> None:
    excluded = [Found(0, end, 0, 0.6) for end in (5, 8, 11)]
    window = [Found(0, 3, 0, 0.9), *excluded, Found(12, 14, 0, 0.4)]
    one = task(overlap="flat")
    example = prepared((0, 3, "LOC"), (12, 14, "LOC"))
    one.fit([example])
    one.tune([example], [[window]])
    (found,) = one.assemble([example], [[window]])
    assert [(e["start"], e["end"]) for e in found["entities"]] == [(0, 3), (12, 14)]


# metrics


def entities(*spans: tuple[int, int, str]) -> dict[str, Any]:
    return {"entities": [dict(zip(("start", "end", "label"), span, strict=True)) for span in spans]}


def test_scores_by_hand() -> None:
    gold = [entities(UNIVERSITY, VIENNA, (0, 3, "PER")), entities((0, 2, "LOC"))]
    found = [entities(UNIVERSITY, UNIVERSITY, (29, 35, "PER"), (0, 3, "PER")), entities((0, 2, "LOC"), (5, 6, "NEW"))]
    scores = SpanScores(["LOC", "ORG", "PER"]).compute(found, gold)
    assert scores["precision"] == pytest.approx(3 / 5)  # given twice, it counts once
    assert scores["recall"] == pytest.approx(3 / 4)
    assert scores["f1"] == pytest.approx(6 / 9)
    each = [2 / 3, 1.0, 2 / 3, 0.0]  # LOC: 1 of 1 and of 2; ORG; PER: 1 of 2 and of 1; NEW
    assert scores["f1_macro"] == pytest.approx(np.mean(each))
    assert scores["precision_macro"] == pytest.approx((1 + 1 + 1 / 2 + 0) / 4)
    assert scores["recall_macro"] == pytest.approx((1 / 2 + 1 + 1 + 0) / 4)
    assert scores["inner_recall"] == pytest.approx(1 / 2)  # of the university and its city
    details = SpanScores(["LOC"]).details(found, gold)["per_type"]
    assert details["PER"] == pytest.approx({"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1})
    assert np.isnan(SpanScores(["LOC"]).compute([entities()], [entities()])["f1"])


# the demo set


def test_the_demo_sets_are_what_their_script_writes(tmp_path: Path) -> None:
    generate.main(tmp_path)
    shipped = Path(generate.__file__).parent
    for name in (f"{folder}/{split}.jsonl" for folder in (".", "zh") for split in generate.SPLITS):
        assert (shipped / name).read_bytes() == (tmp_path / name).read_bytes()
        for line in (tmp_path / name).read_text(encoding="utf-8").splitlines():
            value = json.loads(line)
            assert task().prepare([Row(value)], "train")[0]["spans"]
