"""Label sets hold the right label as often as they promise, and are those of MAPIE."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import special

from taskzoo.errors import RequestError
from taskzoo.models.conformal import KEPT, LabelSets


def sample(n: int, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that is too sure, and the true labels."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, labels)) * 1.5
    ids = (special.softmax(logits, axis=1).cumsum(axis=1) > generator.random((n, 1))).argmax(axis=1)
    return special.softmax(2.5 * logits, axis=1), ids


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.97])
def test_the_threshold_is_the_quantile_of_the_definition(coverage):
    probabilities, ids = sample(157, 4, seed=1)
    strange = np.sort(1 - probabilities[np.arange(157), ids])
    expected = strange[math.ceil(158 * coverage) - 1]
    found = 1 - LabelSets.fitted(probabilities, ids).least_probability(coverage)
    assert expected <= found <= expected + 1e-6


@pytest.mark.parametrize("coverage", [0.6, 0.9])
def test_the_right_label_is_inside_as_often_as_promised(coverage):
    """Over many fits, however badly calibrated the model is."""
    shares = []
    for seed in range(60):
        probabilities, ids = sample(600, 5, seed)
        sets = LabelSets.fitted(probabilities[:100], ids[:100])(probabilities[100:], coverage)
        shares.append(np.mean([gold in found for gold, found in zip(ids[100:], sets, strict=True)]))
    assert coverage - 0.01 < np.mean(shares) < coverage + 0.03


def test_they_are_those_of_mapie_with_the_likeliest_label_always_inside():
    classification = pytest.importorskip("mapie.classification")
    from sklearn.linear_model import LogisticRegression

    generator = np.random.default_rng(3)
    inputs = generator.normal(size=(900, 6))
    gold = (inputs[:, 0] + generator.normal(size=900) * 1.5 > 0).astype(int) + (inputs[:, 1] > 0.5)
    model = LogisticRegression().fit(inputs[:300], gold[:300])
    theirs = classification.SplitConformalClassifier(model, confidence_level=0.9, conformity_score="lac", prefit=True)
    _, inside = theirs.conformalize(inputs[300:600], gold[300:600]).predict_set(inputs[600:])
    ours = LabelSets.fitted(model.predict_proba(inputs[300:600]), gold[300:600])
    probabilities = model.predict_proba(inputs[600:])
    best = probabilities.argmax(axis=1)
    for row, found in enumerate(ours(probabilities, 0.9)):
        assert set(found) == {*np.flatnonzero(inside[row, :, 0]), best[row]}
        assert found == sorted(found, key=lambda label: -probabilities[row, label])


def test_too_few_rows_are_refused_with_how_many_it_takes():
    probabilities, ids = sample(30, 3, seed=4)
    sets = LabelSets.fitted(probabilities, ids)
    assert sets.reaches(0.9)
    assert not sets.reaches(0.99)
    with pytest.raises(RequestError, match=r"coverage of 0\.99 cannot be made from 30 validation rows: it takes 99"):
        sets(probabilities, 0.99)
    assert LabelSets.fitted(*sample(99, 3, seed=4)).reaches(0.99)
    assert not LabelSets.fitted(*sample(98, 3, seed=4)).reaches(0.99)
    assert not LabelSets.fitted(probabilities[:0], ids[:0]).reaches(0.5)


def test_a_label_that_the_model_lacks_is_in_no_set():
    probabilities, ids = sample(100, 3, seed=5)
    ids[:20] = -100
    sets = LabelSets.fitted(probabilities, ids)
    assert all(len(found) == 3 for found in sets(probabilities, 0.85))  # 20% are never inside, so no threshold helps
    assert any(len(found) < 3 for found in sets(probabilities, 0.5))


def test_of_many_rows_so_many_scores_are_kept_that_nothing_is_lost():
    probabilities, ids = sample(25_000, 4, seed=6)
    sets = LabelSets.fitted(probabilities, ids)
    assert len(sets.scores) == KEPT
    strange = np.sort(1 - probabilities[np.arange(len(ids)), ids])
    for coverage in (0.5, 0.9, 0.999):
        exact = strange[math.ceil(25_001 * coverage) - 1]
        later = strange[min(24_999, math.ceil(25_001 * coverage) - 1 + 25)]
        assert exact <= 1 - sets.least_probability(coverage) <= later + 1e-6


def test_they_survive_storage():
    probabilities, ids = sample(80, 4, seed=7)
    sets = LabelSets.fitted(probabilities, ids)
    again = LabelSets.from_state(json.loads(json.dumps(sets.state())))
    assert again(probabilities, 0.8) == sets(probabilities, 0.8)
