"""The baseline learns in any script, from any labels, and refuses in one line."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from taskzoo.errors import RequestError
from taskzoo.models.baseline import DEFAULT_STRENGTH, STRENGTHS, TextBaseline

GOOD = ["a fine film", "what a lovely story", "fine acting and a lovely end", "a lovely film"]
BAD = ["a dull film", "what an awful story", "dull acting and an awful end", "an awful film"]
TEXTS, LABELS = GOOD + BAD, [0] * 4 + [1] * 4


SINGLE, MULTI = "single_label_classification", "multi_label_classification"


def fitted(texts, targets, problem_type=SINGLE, num_labels=2, **settings) -> TextBaseline:
    return TextBaseline(problem_type, num_labels, **settings).fit(texts, targets)


def noisy_reviews(n: int, noise: float) -> tuple[list[str], np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, size=n)
    words = np.array([["good", "fine", "great", "lovely"], ["bad", "dull", "awful", "poor"]])
    others = np.array([f"word{i}" for i in range(200)])
    texts = [" ".join([*generator.choice(words[y], 2), *generator.choice(others, 6)]) for y in labels]
    return texts, np.where(generator.random(n) < noise, generator.integers(0, 2, size=n), labels)


def test_one_label_gives_probabilities():
    probabilities = fitted(TEXTS, LABELS).predict(["lovely and fine", "awful and dull"])
    assert probabilities.shape == (2, 2)
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx([1, 1])
    assert probabilities.argmax(axis=1).tolist() == [0, 1]


RUNS = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), sublinear_tf=True)
FEATURES = {
    "English": (TEXTS, [TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True), RUNS]),
    "Hindi": (
        ["यह फ़िल्म बहुत अच्छी है", "कितनी सुन्दर कहानी", "यह फ़िल्म बहुत बुरी है", "कितनी नीरस कहानी"] * 2,
        [TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True), RUNS],
    ),
    "Chinese": (
        ["这部电影非常精彩", "我们都喜欢这个故事", "这部电影非常无聊", "我们都讨厌这个故事"] * 2,
        [TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)],
    ),
}


@pytest.mark.parametrize("script", FEATURES)
def test_few_rows_get_scikit_learns_model_on_the_documented_features(script):
    texts, vectorizers = FEATURES[script]
    labels = [0, 0, 1, 1] * 2
    features = np.hstack([v.fit_transform(texts).toarray() for v in vectorizers])
    reference = LogisticRegression(C=DEFAULT_STRENGTH, max_iter=1000).fit(features, labels).predict_proba(features)
    np.testing.assert_allclose(fitted(texts, labels).predict(texts), reference, atol=1e-2)


def test_labels_that_training_lacks_get_nothing_and_the_others_keep_their_places():
    probabilities = fitted(TEXTS, [1] * 4 + [4] * 4, num_labels=6).predict(["lovely", "awful"])
    assert probabilities.argmax(axis=1).tolist() == [1, 4]
    assert (probabilities[:, [0, 2, 3, 5]] == 0).all()


def test_a_single_label_is_certain():
    assert fitted(TEXTS, [1] * 8).predict(["anything"]).tolist() == [[0.0, 1.0]]


def test_several_labels_with_one_always_one_never_and_one_partly_known():
    targets = np.zeros((8, 4))
    targets[:, 0] = 1
    targets[:4, 2] = 1
    targets[:, 3] = targets[:, 2]
    targets[[1, 2, 3, 5, 6, 7], 3] = np.nan
    probabilities = fitted(TEXTS, targets, MULTI, 4).predict(["fine film", "dull film"])
    assert probabilities.shape == (2, 4)
    assert probabilities[:, :2].tolist() == [[1, 0], [1, 0]]
    assert (probabilities[0, 2:] > 0.5).all()
    assert (probabilities[1, 2:] < 0.5).all()


def test_rows_with_an_unknown_label_do_not_count_as_without_it():
    targets = np.array([[1.0]] + [[np.nan]] * 9 + [[0.0]] * 10)
    assert fitted(["a fine film"] * 10 + ["a dull film"] * 10, targets, MULTI, 1).predict(["fine"])[0, 0] > 0.3


def test_several_labels_are_scikit_learns_one_against_the_rest():
    texts, first = noisy_reviews(300, noise=0.1)
    targets = np.stack([first, 1 - first, np.arange(300) % 7 == 0], axis=1)
    model = fitted(texts, targets, MULTI, 3)
    words = TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True)
    runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), sublinear_tf=True)
    features = np.hstack([v.fit_transform(texts).toarray() for v in (words, runs)])
    for i, column in enumerate(model.predict(texts).T):
        reference = LogisticRegression(C=model.strength, max_iter=1000).fit(features, targets[:, i])
        assert np.abs(column - reference.predict_proba(features)[:, 1]).mean() < 0.03


def test_numbers_are_predicted_as_numbers():
    texts, labels = noisy_reviews(400, noise=0)
    values = fitted(texts[:300], 10.0 + 5 * labels[:300], "regression", 1).predict(texts[300:])
    assert values.shape == (100,)
    assert np.corrcoef(values, labels[300:])[0, 1] > 0.9
    assert values.mean() == pytest.approx(12.5, abs=1)


SCRIPTS = {
    "Chinese": ("这部电影非常精彩我们都喜欢", "这部电影非常无聊我们都讨厌", "真精彩啊", "真无聊啊"),
    "Japanese": ("この映画はとても面白かったです", "この映画はとても退屈だったです", "面白かったよ", "退屈だったよ"),
    "Thai": ("หนังเรื่องนี้สนุกมากครับ", "หนังเรื่องนี้น่าเบื่อมากครับ", "สนุกจัง", "น่าเบื่อจัง"),
    "Korean": ("이영화는재미있었습니다", "이영화는지루했습니다", "재미있네요", "지루하네요"),
    "Hindi": ("यह फ़िल्म बहुत अच्छी है", "यह फ़िल्म बहुत बुरी है", "अच्छी फ़िल्म", "बुरी फ़िल्म"),
    "Arabic": ("هذا الفيلم رائع جدا", "هذا الفيلم ممل جدا", "رائع", "ممل"),
    "Russian": ("этот фильм прекрасный", "этот фильм скучный", "прекрасный!", "скучный!"),
    "signs": ("well :)", "well :(", ":) !", ":( !"),
    "emoji": ("🎬 😀", "🎬 😡", "😀😀", "😡😡"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_are_found_in_any_script(script):
    good, bad, new_good, new_bad = SCRIPTS[script]
    probabilities = fitted([good, bad] * 3, [0, 1] * 3).predict([new_good, new_bad])
    assert probabilities[0, 0] > 0.6
    assert probabilities[1, 1] > 0.6


def test_foreign_words_within_chinese_stay_whole():
    texts = ["研究DNA的方法", "研究RNA的方法", "DNA序列分析", "RNA序列分析"] * 2
    probabilities = fitted(texts, [0, 1] * 4).predict(["关于DNA", "关于RNA", "关于"])
    assert probabilities[:2].argmax(axis=1).tolist() == [0, 1]
    assert probabilities[2] == pytest.approx([0.5, 0.5], abs=0.01)


def test_one_character_texts():
    assert fitted(["a", "b"] * 4, [0, 1] * 4).predict(["a", "b"]).argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("texts", "problem_type", "named"),
    [(["  ", "\n"], SINGLE, "2 training texts"), ([], SINGLE, "0 training texts"), (TEXTS, "pairs", "'pairs'")],
)
def test_what_it_cannot_learn_from_is_refused_in_one_line(texts, problem_type, named):
    with pytest.raises(RequestError, match=named) as caught:
        fitted(texts, [0] * len(texts), problem_type)
    assert "\n" not in str(caught.value)


def test_texts_that_share_nothing_teach_no_more_than_how_frequent_the_labels_are():
    texts = [chr(0x13000 + i) for i in range(1050)]
    probabilities = fitted(texts, [0, 0, 1] * 350).predict([chr(0x13000 + i) for i in (1051, 1052)])
    assert probabilities[:, 1] == pytest.approx([1 / 3] * 2, abs=0.05)


@pytest.mark.parametrize("rows", [999, 1000])
def test_many_texts_of_one_word_each_are_told_apart_by_their_endings(rows):
    """No word is in two rows; from 1000 rows on that leaves the sequences of four characters."""
    texts = ["".join(begin) + end for begin in product("abcdefghi", repeat=3) for end in ("anna", "eric")][:1200]
    labels = np.arange(1200) % 2
    model = fitted(texts[:rows], labels[:rows])
    assert (model.predict(texts[rows:]).argmax(axis=1) == labels[rows:]).all()


def test_texts_never_seen_still_get_probabilities():
    model = fitted(TEXTS, LABELS)
    assert model.predict(["zzz", ""]).sum(axis=1) == pytest.approx([1, 1])
    assert model.predict([]).shape == (0, 2)
    assert fitted(TEXTS, LABELS, "regression", 1).predict([]).shape == (0,)


def test_noisy_labels_get_a_stronger_penalty_than_clean_ones():
    clean, noisy = (fitted(*noisy_reviews(600, noise)).strength for noise in (0.0, 0.9))
    assert noisy < clean
    assert {clean, noisy} <= set(STRENGTHS)


def test_many_labels_are_all_learnt():
    texts = [f"alpha{i % 120} word" for i in range(360)]
    targets = np.eye(120)[np.arange(360) % 120]
    assert fitted(texts, targets, MULTI, 120).predict(texts[:120]).argmax(axis=1).tolist() == list(range(120))


def test_balanced_weights_find_more_of_a_rare_label():
    texts, labels = noisy_reviews(400, noise=0.3)
    keep = [i for i in range(400) if labels[i] == 0 or i % 12 == 0]
    texts, labels = [texts[i] for i in keep], labels[keep]
    plain, balanced = (fitted(texts, labels, class_weight=w).predict(texts)[:, 1] for w in (None, "balanced"))
    assert (balanced > 0.5).sum() > (plain > 0.5).sum()


def test_a_seed_decides_it():
    texts, labels = noisy_reviews(300, noise=0.3)
    targets = np.stack([labels, 1 - labels], axis=1)
    first, second = (fitted(texts, targets, MULTI).predict(texts) for _ in range(2))
    assert (first == second).all()
