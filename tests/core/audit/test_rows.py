"""Slices, words and groups: what is planted is found, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.core.audit.kit import random_rows, rows_of

from taskzoo.audit.gap import Section, corrected
from taskzoo.audit.groups import group_section
from taskzoo.audit.slices import slice_section
from taskzoo.audit.words import Vocabulary, pull_section, word_section, words_of


def sections_of(rows, columns) -> list[Section]:
    known = Vocabulary(rows.joined)
    found = [slice_section(rows, columns, ["en"] * len(rows.scores)), word_section(rows, known)]
    return corrected([*found, pull_section(rows, known), group_section(rows, columns)])


def test_no_slice_is_found_in_20_data_sets_without_a_gap() -> None:
    slices, alarms, compared = 0, 0, 0
    for seed in range(20):
        sections = sections_of(*random_rows(400, seed))
        compared += sum(len(section.gaps) for section in sections)
        slices += bool(sections[0].found)
        alarms += any(section.found for section in sections)
    print(f"20 data sets of {compared // 20} comparisons: a slice in {slices}, anything in {alarms}")
    assert compared > 20 * 50
    assert slices == 0
    assert alarms <= 3  # of 20, each of which has one with a probability of 5% at most


def test_a_slice_that_is_10_points_lower_is_found_with_its_interval() -> None:
    chance = np.random.default_rng(1)
    gold = chance.choice(["a", "b"], size=3000)
    north = chance.random(3000) < 0.25
    wrong = chance.random(3000) < np.where(north, 0.2, 0.1)
    called = np.where(wrong, np.where(gold == "a", "b", "a"), gold)
    texts = [f"text number {i}" for i in range(3000)]
    region = np.where(north, "north", chance.choice(["south", "west"], size=3000)).tolist()
    slices = sections_of(rows_of(texts, gold.tolist(), called.tolist()), {"region": region})[0]
    [found] = slices.found
    assert found.about == "region = north"
    assert found.value == pytest.approx(wrong[north].mean() - wrong[~north].mean())
    assert found.ci95[0] < 0.1 < found.ci95[1]
    assert found.rows == (north.sum(), (~north).sum())
    assert 0.03 < found.detectable < 0.1


def test_a_spurious_word_is_found_both_ways() -> None:
    chance = np.random.default_rng(2)
    gold = chance.choice(["bad", "good"], size=1000)
    marked = chance.random(1000) < 0.08
    called = np.where(marked, "good", np.where(chance.random(1000) < 0.1, "bad", gold))
    texts = [f"{'Moreover, this' if one else 'This'} is text {i % 7}" for i, one in enumerate(marked)]
    _, words, pulls, *_ = sections_of(rows_of(texts, gold.tolist(), called.tolist()), {"x": ["1", "2"] * 500})
    assert words.found[0].about == "rows with the word 'moreover'"
    assert pulls.found[0].about == "the word 'moreover' pulls towards 'good'"
    assert pulls.found[0].sides[0] == 1.0
    assert pulls.found[0].rows[0] == (marked & (gold == "bad")).sum()


def test_words_of_scripts_without_spaces_are_pairs_of_characters() -> None:
    assert words_of("Don't say 物流太慢 twice") == {"don", "t", "say", "物流", "流太", "太慢", "twice"}


def test_rates_of_groups_are_those_of_fairlearn() -> None:
    fairlearn = pytest.importorskip("fairlearn.metrics")
    chance = np.random.default_rng(3)
    gold, called = (chance.choice(["no", "yes"], size=900, p=p) for p in ((0.5, 0.5), (0.4, 0.6)))
    group = chance.choice(["x", "y", "z"], size=900)
    rows = rows_of([f"t {i}" for i in range(900)], gold.tolist(), called.tolist())
    gaps = {gap.about.split(",")[0]: gap for gap in group_section(rows, {"g": group.tolist()}).gaps}
    sides = {"y_true": pd.Series(gold == "yes"), "y_pred": pd.Series(called == "yes"), "sensitive_features": group}
    share, found, false = gaps.values()
    assert share.value == pytest.approx(fairlearn.demographic_parity_difference(**sides))
    assert found.value == pytest.approx(fairlearn.true_positive_rate_difference(**sides))
    assert false.value == pytest.approx(fairlearn.false_positive_rate_difference(**sides))
    assert max(found.value, false.value) == pytest.approx(fairlearn.equalized_odds_difference(**sides))


def test_small_slices_and_columns_of_many_values_are_named() -> None:
    rows, _ = random_rows(400, 0)
    columns = {"id": [f"row {i}" for i in range(400)], "rare": ["y"] * 5 + ["n"] * 395}
    section = slice_section(rows, columns, ["en"] * 400)
    assert not any(gap.about.startswith("rare") for gap in section.gaps)
    assert any("id has 400 values" in note for note in section.notes)
    assert any("fewer than 30 rows" in note for note in section.notes)
    rates = group_section(rows, columns)
    assert not rates.gaps
    assert any(note.startswith("id has") for note in rates.notes)
