"""What all metrics of generated text promise, whatever comes out of a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import islice
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.errors import DataError
from taskzoo.metrics.base import CorpusMetric
from taskzoo.metrics.generated import GeneratedText
from taskzoo.metrics.intervals import bootstrap_intervals
from taskzoo.metrics.sentences import sentences_of, split_sentences
from taskzoo.metrics.similarity import Similarity
from taskzoo.metrics.summaries import Rouge
from taskzoo.metrics.translation import TranslationScores


def letters(texts: Sequence[str]) -> list[np.ndarray]:
    """A vector for each character that is not whitespace."""
    return [np.array([[1.0, ord(c) % 7, ord(c) % 5] for c in t if not c.isspace()]).reshape(-1, 3) for t in texts]


METRICS: dict[str, Callable[[], CorpusMetric]] = {
    "translation": TranslationScores,
    "chinese with ter": lambda: TranslationScores("zh", ter=True),
    "rouge": lambda: Rouge("en", stemming=True),
    "rouge of any language": lambda: Rouge(references="all"),
    "generated": GeneratedText,
    "summaries": lambda: GeneratedText(summary=True),
    "similarity": lambda: Similarity(letters),
}
every_metric = pytest.mark.parametrize("make", METRICS.values(), ids=METRICS)

ODD = [
    "",
    " ",
    "\n\n",
    "a",
    "The cat.\nThe dog.",
    "😀",
    "👩‍👩‍👧 ❤️",
    "猫坐在垫子上。",
    "\u0301",
    "\u200b",
    ".",
    "a " * 30,
    "&lt;",
    "İ",
]
text = st.one_of(st.sampled_from(ODD), st.text(st.characters(codec="utf-8"), max_size=20))
Rows = list[tuple[str, list[str], str]]
rows = st.lists(st.tuples(text, st.lists(text, min_size=1, max_size=3), text), min_size=1, max_size=5)


def sides(drawn: Rows) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    predictions = [{"source": s, "text": t, "_truncated": not t} for t, _, s in drawn]
    return predictions, [{"targets": targets, "_source": s} for _, targets, s in drawn]


def same(one: dict[str, float], two: dict[str, float]) -> bool:
    return one.keys() == two.keys() and all(one[n] == pytest.approx(two[n], abs=1e-9, nan_ok=True) for n in one)


@every_metric
@settings(deadline=None, max_examples=25)
@given(drawn=rows)
def test_any_text_has_scores_in_range_and_rows_do_not_touch_each_other(make: Any, drawn: Rows) -> None:
    metric = make()
    predictions, references = sides(drawn)
    statistics = metric.statistics(predictions, references)
    assert statistics.dtype == np.float64
    assert np.isfinite(statistics).all()
    singly = [metric.statistics([p], [r]) for p, r in zip(predictions, references, strict=True)]
    assert np.allclose(np.concatenate(singly), statistics)
    found = metric.from_sums(statistics.sum(axis=0))
    for name, value in found.items():
        (meaning,) = [score for score in metric.scores if score.describes(name)]
        low, high = meaning.range
        assert type(value) is float
        assert np.isfinite(low)
        assert np.isnan(value) or low - 1e-9 <= value <= high + 1e-9, name
    assert same(metric.compute(predictions=predictions, references=references), found)
    details = metric.details(predictions, references)
    assert details == json.loads(json.dumps(details, allow_nan=False))


@every_metric
def test_weights_count_rows_and_the_bootstrap_follows(make: Any) -> None:
    metric = make()
    predictions, references = sides(
        [(f"the cat {i} sat", [f"the cat {i % 3} sat on it", "x"], "a cat") for i in range(9)]
    )
    times = np.arange(9) % 3
    again = [[row for row, n in zip(side, times, strict=True) for _ in range(n)] for side in (predictions, references)]
    statistics = metric.statistics(predictions, references)
    repeated = metric.statistics(*again)
    assert same(metric.scorer(statistics)(times.astype(float)), metric.from_sums(repeated.sum(axis=0)))
    intervals = bootstrap_intervals(9, metric.scorer(statistics), samples=20)
    assert intervals.keys() == metric.from_sums(statistics.sum(axis=0)).keys()


@every_metric
@pytest.mark.filterwarnings("error")
def test_nothing_to_score_is_undefined(make: Any) -> None:
    metric = make()
    found = metric.compute(predictions=[], references=[])
    assert found
    assert np.isnan(list(found.values())).all()
    some = metric.details([{"text": "a"}], [{"targets": ["a"]}])
    assert set(metric.details([], [])) == set(some)
    json.dumps(metric.details([], []), allow_nan=False)


@every_metric
def test_references_score_like_predictions_and_best(make: Any) -> None:
    metric = make()
    references = [{"targets": ["The cat sat on the mat.", "x"], "_source": "A cat sat."}] * 2
    found = metric.from_sums(metric.statistics(references, references).sum(axis=0))
    best = {"bleu": 100, "chrf": 100, "ter": 0, "rouge1": 100, "rougeLsum": 100, "length_ratio": 1, "similarity": 1}
    if isinstance(metric, Rouge) and metric.references == "all":
        best = {"rouge1": 50}
    for name, value in found.items():
        assert value == pytest.approx(best.get(name, value)), name


@every_metric
def test_refusals_name_the_example(make: Any) -> None:
    metric = make()
    good, gold = {"text": "a"}, {"targets": ["a"]}
    with pytest.raises(DataError, match="1 predictions for 2 references"):
        metric.statistics([good], [gold, gold])
    with pytest.raises(DataError, match="Example 1 of the references has no 'targets'"):
        metric.statistics([good, good], [gold, {}])
    with pytest.raises(DataError, match="Example 1 of the references has no target"):
        metric.statistics([good, good], [gold, {"targets": []}])
    with pytest.raises(DataError, match="'targets' of example 0 of the references are 'a', not a list"):
        metric.statistics([good], [{"targets": "a"}])
    with pytest.raises(DataError, match="Example 1 of the predictions has no 'text'; it has label"):
        metric.statistics([good, {"label": "a"}], [gold, gold])
    with pytest.raises(DataError, match="'text' of example 0 of the predictions is None"):
        metric.statistics([{"text": None}], [gold])


@pytest.mark.parametrize(
    "text",
    [
        "သူသွားသည်။ ငါလာသည်။",  # Burmese
        "សូមអរគុណ។ ជំរាបសួរ៕ លាហើយ។",  # Khmer
        "ሰላም ነው። እንዴት ነህ፧ ደህና።",  # Amharic
        "Բարև ձեզ։ Ես տուն եմ։",  # Armenian
        "ང་ཡིན། ཁྱོད་ཡིན༎",  # Tibetan
        "बिल्ली सोई। कुत्ता भौंका॥ वह गया।",  # Hindi
        "ذهب الرجل. هل عاد؟ نعم۔",  # Arabic
    ],
)
def test_sentences_end_at_the_marks_of_their_script(text: str) -> None:
    marks = "။។៕።፧։།༎।॥.؟۔"
    sentences = split_sentences(text)
    assert " ".join(sentences) == text
    assert len(sentences) == sum(text.count(mark) for mark in marks) > 1
    assert all(sentence[-1] in marks for sentence in sentences)


def test_burmese_and_ethiopic_need_no_blank_between_sentences_and_armenian_times_are_whole() -> None:
    assert split_sentences("သူသွားသည်။ငါလာသည်။") == ["သူသွားသည်။", "ငါလာသည်။"]
    assert split_sentences("ሰላም።ደህና።") == ["ሰላም።", "ደህና።"]
    assert split_sentences("10։30 է։") == ["10։30 է։"]


@pytest.mark.parametrize(("unit", "times"), [("He left at noon. ", 60_000), ("A. ", 10_000)])
def test_the_time_for_a_line_grows_with_its_length(unit: str, times: int) -> None:
    text = unit * times
    began = process_time()
    split_sentences(text)
    assert process_time() - began < 3


def test_the_first_sentences_are_found_without_the_others() -> None:
    text = "He left. " * 1_000_000
    began = process_time()
    assert list(islice(sentences_of(text), 2)) == ["He left."] * 2
    assert process_time() - began < 1
