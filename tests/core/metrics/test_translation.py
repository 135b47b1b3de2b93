"""Scores of translations equal those of sacreBLEU on the same corpus, whatever the texts and the references."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.errors import RequestError
from taskzoo.metrics.translation import TranslationScores, bleu_tokenizer

WORDS = [
    "the",
    "cat",
    "sat",
    "mat.",
    "A",
    "on",
    "it's",
    "3.5",
    "&amp;",
    "—",
    "猫",
    "坐在垫子上。",
    "ねこ",
    "แมว",
    "😀",
]
text = st.lists(st.sampled_from([*WORDS, "\n"]), max_size=12).map(" ".join)
corpus = st.lists(st.tuples(text, st.lists(text, min_size=1, max_size=3)), min_size=1, max_size=6)
Corpus = list[tuple[str, list[str]]]


def sides(pairs: Corpus) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return [{"text": output} for output, _ in pairs], [{"targets": targets} for _, targets in pairs]


def scores(pairs: Corpus, **settings: Any) -> dict[str, float]:
    metric = TranslationScores(**settings)
    return metric.scorer(metric.statistics(*sides(pairs)))(np.ones(len(pairs)))


@settings(deadline=None, max_examples=60)
@given(corpus, st.sampled_from(["en", "zh", "ja", "th", ""]))
def test_equal_to_sacrebleu(pairs: Corpus, language: str) -> None:
    outputs = [output for output, _ in pairs]
    streams = list(zip_longest(*(targets for _, targets in pairs)))
    asian = language in ("zh", "ja")
    found = scores(pairs, language=language, ter=True)
    bleu = sacrebleu.corpus_bleu(outputs, streams, tokenize=bleu_tokenizer(language))
    assert found["bleu"] == pytest.approx(bleu.score)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(outputs, streams).score)
    ter = sacrebleu.corpus_ter(outputs, streams, normalized=asian, asian_support=asian)
    assert found["ter"] == pytest.approx(ter.score)


def test_a_moved_word_is_one_edit() -> None:
    pairs = [("last a b c", ["a b c last"]), ("", ["a b"]), ("a b", [""])]
    assert TranslationScores(ter=True).statistics(*sides(pairs))[:, -2:].tolist() == [[1, 4], [2, 2], [2, 0]]


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [
        *(("en", "13a"), ("", "13a"), ("de", "13a"), ("zh", "zh"), ("zh-TW", "zh"), ("zh_CN", "zh")),
        *(("ja", "char"), ("ko", "char"), ("th", "char")),
    ],
)
def test_the_tokenizer_follows_the_language(language: str, tokenizer: str) -> None:
    assert bleu_tokenizer(language) == tokenizer


def test_chinese_is_scored_in_characters() -> None:
    pairs = [("猫坐在红色的垫子上", ["猫坐在蓝色的垫子上"])]
    assert scores(pairs)["bleu"] == 0  # one word of 13a
    assert scores(pairs, language="zh")["bleu"] > 40
    assert scores(pairs, language="zh", ter=True)["ter"] == pytest.approx(100 / 9)
    assert scores(pairs, tokenize="char")["bleu"] == pytest.approx(scores(pairs, language="zh")["bleu"])


def test_details_say_how_the_scores_were_made() -> None:
    one, two = ("a cat sat on it", ["the cat sat on it"]), ("a dog", ["a dog", "the dog"])
    details = TranslationScores("zh", ter=True).details(*sides([one, one]))
    assert details["signatures"]["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:")
    assert "asian:yes" in details["signatures"]["ter"]
    assert "nc:6|nw:0" in details["signatures"]["chrf"]
    assert sacrebleu.__version__ in details["signatures"]["chrf"]
    assert details["precisions"] == pytest.approx([80.0, 75.0, 200 / 3, 50.0])
    assert details["brevity_penalty"] == 1.0
    varying = TranslationScores().details(*sides([one, two]))
    assert varying["signatures"]["bleu"].startswith("nrefs:var|")
    short = TranslationScores().details(*sides([("a cat", ["a cat sat on"])]))
    assert short["brevity_penalty"] == pytest.approx(np.exp(-1))


def test_ter_is_there_when_asked_for() -> None:
    pairs = [("a cat", ["the cat"])]
    assert set(scores(pairs)) == {"bleu", "chrf"}
    assert set(scores(pairs, ter=True)) == {"bleu", "chrf", "ter"}
    assert set(TranslationScores().details(*sides(pairs))["signatures"]) == {"bleu", "chrf"}


def test_tokenizers_that_are_not_there_are_refused() -> None:
    with pytest.raises(RequestError, match="'flores200' is not one of 13a"):
        TranslationScores(tokenize="flores200")
    try:
        import MeCab  # noqa: F401
    except ImportError:
        with pytest.raises(RequestError, match=r"needs `pip install 'sacrebleu\[ja\]'`"):
            TranslationScores(tokenize="ja-mecab")


MIXED = st.text(st.sampled_from("5BC 天公A玩）2。好.们“，％-…!abc\u3000"), max_size=20)


@given(st.lists(st.tuples(MIXED, MIXED.filter(str.strip)), min_size=1, max_size=4), st.sampled_from(["zh", "ja", "en"]))
@settings(max_examples=25, deadline=None)
def test_ter_of_any_text_is_that_of_sacrebleu(pairs: list[tuple[str, str]], language: str) -> None:
    """References too, which sacreBLEU prepares twice."""
    asian = language != "en"
    outputs, references = zip(*pairs, strict=True)
    expected = sacrebleu.corpus_ter(outputs, [references], normalized=asian, asian_support=asian).score
    predictions, targets = [{"text": text} for text in outputs], [{"targets": [text]} for text in references]
    assert TranslationScores(language, ter=True).compute(predictions, targets)["ter"] == pytest.approx(expected)


def test_cantonese_is_scored_as_chinese() -> None:
    given = (
        [{"text": "佢今日冇返工"}, {"text": "我哋去飲茶啦"}],
        [{"targets": ["佢今日冇返學"]}, {"targets": ["我哋去飲茶啦"]}],
    )
    assert bleu_tokenizer("yue") == bleu_tokenizer("yue-Hant-HK") == "zh"
    assert TranslationScores("yue", ter=True).compute(*given) == TranslationScores("zh", ter=True).compute(*given)
