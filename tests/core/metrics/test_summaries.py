"""ROUGE equals its reference implementation in English, and means something in other languages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from taskzoo.errors import RequestError
from taskzoo.metrics.summaries import ROUGE, Rouge

text = st.lists(
    st.sampled_from(["The cats", "were running", "fast", "café", "3.5", "don't", "😀", "fast.\n", "mats\n"]),
    max_size=10,
).map(" ".join)
corpus = st.lists(st.tuples(text, st.lists(text, min_size=1, max_size=3)), min_size=1, max_size=5)
Corpus = list[tuple[str, list[str]]]


def scores(pairs: Corpus, *arguments: Any, **settings: Any) -> dict[str, float]:
    metric = Rouge(*arguments, **settings)
    statistics = metric.statistics([{"text": o} for o, _ in pairs], [{"targets": t} for _, t in pairs])
    return metric.scorer(statistics)(np.ones(len(pairs)))


@settings(deadline=None, max_examples=50)
@given(corpus, st.booleans())
def test_equal_to_rouge_score(pairs: Corpus, stemming: bool) -> None:
    """The sentences of the drawn texts end where lines do."""
    reference = RougeScorer(list(ROUGE), use_stemmer=stemming)
    best = [reference.score_multi(targets, output) for output, targets in pairs]
    found = scores(pairs, "en", stemming=stemming)
    assert found == {name: pytest.approx(100 * np.mean([b[name].fmeasure for b in best])) for name in ROUGE}
    every = [np.mean([[reference.score(t, o)[name].fmeasure for name in ROUGE] for t in ts], axis=0) for o, ts in pairs]
    assert list(scores(pairs, "en", "all", stemming).values()) == pytest.approx(100 * np.mean(every, axis=0))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.text(st.characters(codec="ascii")), st.text(st.characters(codec="ascii"))), min_size=1))
def test_text_in_ascii_scores_alike_in_any_language(pairs: list[tuple[str, str]]) -> None:
    corpus = [(output, [target]) for output, target in pairs]
    assert scores(corpus, "de") == pytest.approx(scores(corpus, "en"))


@pytest.mark.parametrize(
    ("language", "output", "target"),
    [
        ("zh", "猫坐在垫子上", "猫坐在垫子上。"),
        ("ja", "ねこがすわった", "ねこが、すわった。"),
        ("ru", "Кошка сидит на ковре.", "кошка сидит на ковре"),
        ("hi", "बिल्ली चटाई पर बैठी है।", "बिल्ली चटाई पर बैठी है"),
        ("", "القط على السجادة", "القط على السجادة."),
    ],
)
def test_other_scripts_count(language: str, output: str, target: str) -> None:
    assert scores([(output, [target])], language) == dict.fromkeys(ROUGE, pytest.approx(100.0))
    assert scores([(output, [target])], "en")["rouge1"] == 0  # what the reference's tokens leave of them


def test_chinese_in_characters_by_hand() -> None:
    found = scores([("猫坐在2024年的GPU上", ["狗坐在2024年上"])], "zh")  # 8 tokens and 6, of them 5 in common
    assert found["rouge1"] == pytest.approx(100 * 2 * 5 / (8 + 6))
    assert found["rouge2"] == pytest.approx(100 * 2 * 3 / (7 + 5))


def test_sentences_are_found_without_line_breaks() -> None:
    swapped = [("Dogs bark at night. Cats sleep.", ["Cats sleep. Dogs bark at night."])]
    found = scores(swapped, "en")
    assert found["rougeLsum"] == pytest.approx(100.0)
    assert found["rougeL"] < 80
    assert scores([("狗叫了。猫睡了。", ["猫睡了。狗叫了。"])], "zh")["rougeLsum"] == pytest.approx(100.0)


def test_several_references() -> None:
    pairs = [("a b c d", ["a b c d", "x y z w"])]
    assert scores(pairs, "en")["rouge2"] == pytest.approx(100.0)
    assert scores(pairs, "en", references="all")["rouge2"] == pytest.approx(50.0)


def test_details_give_precision_and_recall() -> None:
    details = Rouge("en", stemming=True).details([{"text": "cat"}], [{"targets": ["cats sleep"]}])
    assert details["per_score"]["rouge1"] == {"precision": 100.0, "recall": 50.0}
    assert details["rouge"] == {"version": "0.1.2", "tokens": "rouge_score, stemmed", "references": "best"} | {
        "version": details["rouge"]["version"]
    }


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(RequestError, match="Stemming is for English, and the language is 'zh'"):
        Rouge("zh", stemming=True)
    with pytest.raises(RequestError, match="references='worst' is not one of best, all"):
        Rouge("en", references="worst")
