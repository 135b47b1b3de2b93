"""The arithmetic of suspicious labels and of suggestions, on made-up numbers."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from taskzoo import Task
from taskzoo.labelling.choose import choose
from taskzoo.labelling.conflicts import find_conflicts
from taskzoo.labelling.doubt import doubt_of
from taskzoo.labelling.entities import Span, groups_of, problem_of, spans_of
from taskzoo.labelling.given import BinaryLabels, ClassLabels, Labels, NumberLabels
from taskzoo.labelling.kinds import check_kind, density_of
from taskzoo.labelling.label_choices import choices_of
from taskzoo.labelling.noise import fit_noise
from taskzoo.labelling.out_of_fold import OutOfFold
from taskzoo.labelling.text_key import text_key
from taskzoo.labelling.unlike import Unlikeness
from taskzoo.types import Example


def classes(share: float, *, rows: int = 1500, temperature: float = 1.0) -> tuple[Labels, np.ndarray]:
    """Labels of which a share is as chance has it, and which are wrong."""
    chance = np.random.default_rng(0)
    logits = 4.0 * chance.normal(size=(rows, 4))
    true = (logits + chance.gumbel(size=logits.shape)).argmax(1)  # drawn by the softmax of the logits
    given = np.where(chance.random(rows) < share, chance.integers(4, size=rows), true)
    frequent = np.bincount(given, minlength=4) / rows
    return ClassLabels(logits * temperature, given, frequent[given]), given != true


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_wrong_labels_are_counted_whatever_the_temperature(share: float, temperature: float) -> None:
    labels, wrong = classes(share, temperature=temperature)
    noise = fit_noise(labels)
    assert noise.wrong[1] <= wrong.sum() <= noise.wrong[2]
    assert noise.wrong[0] == pytest.approx(wrong.sum(), abs=0.02 * len(wrong))


def test_the_precision_of_the_first_is_as_estimated() -> None:
    labels, wrong = classes(0.1)
    noise = fit_noise(labels)
    order = np.argsort(-noise.chances)
    for size, (middle, low, high) in zip((20, 100, 300), noise.precisions(order, (20, 100, 300)), strict=True):
        assert low <= wrong[order[:size]].mean() <= high
        assert middle == pytest.approx(wrong[order[:size]].mean(), abs=0.12)


def test_decisions_and_numbers() -> None:
    chance = np.random.default_rng(1)
    logits = 5 * chance.normal(size=3000)
    has = chance.random(3000) < 1 / (1 + np.exp(-logits))
    flipped = chance.random(3000) < 0.05
    given = has ^ flipped
    noise = fit_noise(BinaryLabels(np.where(given, logits, -logits), np.full(3000, 0.5)))
    assert noise.wrong[1] <= flipped.sum() <= noise.wrong[2]
    predicted = chance.normal(size=800)
    numbers = predicted + 0.1 * chance.normal(size=800)
    moved = chance.random(800) < 0.05
    numbers[moved] = chance.permutation(numbers)[moved]
    density = np.exp(-0.5 * numbers**2) / np.sqrt(2 * np.pi)
    found = fit_noise(NumberLabels(numbers, predicted, density))
    assert found.wrong[0] == pytest.approx(moved.sum(), abs=12)


def test_a_model_that_knows_nothing_is_not_sure_of_errors() -> None:
    chance = np.random.default_rng(2)
    given = chance.integers(2, size=500)
    noise = fit_noise(ClassLabels(0.01 * chance.normal(size=(500, 2)), given, np.full(500, 0.5)))
    assert noise.wrong[2] - noise.wrong[1] > 25


def test_texts_are_alike_but_for_case_spaces_and_punctuation() -> None:
    assert text_key("Good, GOOD\tday!") == text_key("good good day")
    assert text_key("हिन्दी") != text_key("हनद")  # vowel signs are no punctuation
    assert text_key(" :-) ") == ":-)"
    assert text_key("fine 👍") != text_key("fine 👎")
    assert text_key("ＡＢＣ") == text_key("abc")


def test_conflicts_are_groups_of_texts_with_different_labels() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.01], [-1.0, 0.0], [0.0, -1.0]])
    found = find_conflicts(["a", "b", "c", "d", "b"], ["x", "y", "z", "x", "z"], vectors)
    assert [(one.rows, one.similarity == 1.0) for one in found] == [((1, 4), True), ((0, 2), False)]
    assert find_conflicts(["a", "a"], ["x", "x"], None) == []


def test_many_texts_that_are_all_alike_are_one_conflict_in_no_time() -> None:
    started = time.perf_counter()
    (found,) = find_conflicts(["thanks"] * 20_000, ["a"] * 10_000 + ["b"] * 10_000, None)
    assert found.rows == tuple(range(20_000))
    vectors = np.append(np.ones((2000, 4)), [[-50.0] * 4], axis=0) + 1e-5 * np.random.default_rng(0).random((2001, 4))
    (found,) = find_conflicts([str(i) for i in range(2001)], ["a", "b"] * 1000 + ["a"], vectors)
    assert found.rows == tuple(range(2000))
    assert time.perf_counter() - started < 5


def test_the_density_of_many_numbers_is_that_of_all_kernels() -> None:
    chance = np.random.default_rng(0)
    for given in (chance.integers(1, 6, size=2500).astype(float), np.append(chance.standard_t(3, size=2500), 300.0)):
        assert density_of(given) == pytest.approx(gaussian_kde(given)(given), rel=0.002)


def out_of_fold(logits: Any, targets: dict[str, Any], rows: Any, folds: list[int], **more: Any) -> OutOfFold:
    known = {name: np.array(value) for name, value in targets.items()}
    return OutOfFold(np.array(logits, dtype=float), known, np.array(rows), None, np.array(folds), **more)


def test_decisions_that_no_other_fold_has_are_left_out_and_counted() -> None:
    """Of three labels the first occurs in one fold only, the second in two, and the third has all rows but one."""
    given = np.array([[1, 0, 1], [1, 1, 1], [0, 1, 1], [0, 0, 0]], dtype=float)
    found = out_of_fold(
        -np.ones((4, 3)), {"labels": given}, range(4), [1, 1, 2, 2], labels=["a", "b", "c"], predictions=[]
    )
    checked = check_kind(cast("Task", SimpleNamespace(token_target="")), [Example({})] * 4, found)
    assert [(one.row, one.given) for one in checked.labels] == [
        *[(0, "not b"), (0, "c")],
        *[(1, "b"), (1, "c")],
        *[(2, "b"), (2, "c")],
        (3, "not b"),
    ]
    assert list(checked.unchecked.values()) == [5]


def test_entities_with_tags_that_no_other_fold_has_are_left_out_and_counted() -> None:
    names = ["O", "B-X", "I-X", "B-Y"]
    tags = [["B-X", "O"], ["B-X", "I-X"], ["B-X", "B-Y"]]
    ids = [names.index(tag) for row in tags for tag in row]
    predictions = [{"tokens": ["u", "v"], "tags": ["O", "O"]}] * 3
    logits, rows = np.zeros((6, 4)), np.repeat(range(3), 2)
    found = out_of_fold(logits, {"labels": ids}, rows, [1, 2, 2], labels=names, predictions=predictions)
    ner = SimpleNamespace(token_target="labels", references=lambda examples: [{"tags": row} for row in tags])
    checked = check_kind(cast("Task", ner), [Example({})] * 3, found)
    assert [(one.row, one.given) for one in checked.labels] == [(0, "u [X]"), (2, "u [X]")]
    assert list(checked.unchecked.values()) == [2]  # I-X and B-Y
    assert checked.pool(np.array([0.1, 0.2, 0.4])).tolist() == [0.1, 0.4]  # of the three words with B-X


def test_people_choose_from_types_not_tags() -> None:
    assert choices_of(["O", "B-X", "I-X", "B-Y", "I-Y"]) == ["X", "Y"]
    assert choices_of(["O", "A", "B"]) == ["O", "A", "B"]


def test_entities_are_compared_where_they_share_words() -> None:
    given = spans_of(["B-PER", "I-PER", "O", "B-LOC", "O", "B-ORG", "O"])
    likely = spans_of(["B-PER", "O", "O", "B-ORG", "O", "O", "B-PER"])
    problems = [problem_of(*pair) for pair in groups_of(given, likely)]
    assert problems == ["other border", "other type", "no entity", "missing entity"]
    assert spans_of(["I-X", "I-X", "B-X", "O"]) == [Span(0, 2, "X"), Span(2, 3, "X")]
    assert problem_of(given, list(given)) == ""


def test_doubt_has_a_value_for_every_form_of_prediction() -> None:
    label = doubt_of({"label": "a", "score": 0.5, "scores": {"a": 0.5, "b": 0.4, "c": 0.1}})
    assert label is not None
    assert label.value == pytest.approx(0.9)
    several = doubt_of({"labels": [], "scores": {"a": 0.5}, "_probabilities": np.array([0.5, 0.0])})
    assert several is not None
    assert (several.value, several.reason) == (0.5, "a 50%")
    tags = doubt_of({"tags": ["O", "B-X"], "tokens": ["at", "Ur"], "_tag_probabilities": [0.9, 0.5]})
    assert tags is not None
    assert (round(tags.value, 3), tags.reason) == (0.3, "Ur: B-X 50%")
    text = doubt_of({"text": "ja", "score": -1.25})
    assert text is not None
    assert text.value == 1.25
    assert doubt_of({"value": 3.0}) is None


def test_chosen_rows_are_doubtful_and_differ() -> None:
    chance = np.random.default_rng(0)
    centres = 10 * np.eye(4)
    vectors = np.concatenate([centre + 0.1 * chance.normal(size=(50, 4)) for centre in centres])
    doubts = np.tile(np.linspace(0.5, 1.0, 50), 4)
    chosen = choose(doubts, vectors, 4, seed=0)
    assert sorted(place // 50 for place in chosen.tolist()) == [0, 1, 2, 3]
    assert (doubts[chosen][:-1] >= doubts[chosen][1:]).all()
    same = choose(np.ones(6), np.ones((6, 2)), 3, seed=0)
    assert len(set(same.tolist())) == 3


def test_rows_unlike_the_training_rows_come_first() -> None:
    chance = np.random.default_rng(0)
    train = chance.normal(size=(200, 3)) * [1.0, 1.0, 0.01]
    near, far = Unlikeness(train)(np.array([[0.1, 0.1, 0.0], [0.1, 0.1, 0.5]]))
    assert far.value > 10 * near.value
