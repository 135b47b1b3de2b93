"""Slices, words and groups: what is planted is found, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tests.core.audit.kit import random_rows, rows_of
from tests.core.comparison.kit import NER, write_run

from taskzoo.audit.audited_rows import RowScore, audited_rows
from taskzoo.audit.gap import Section, corrected
from taskzoo.audit.groups import group_section
from taskzoo.audit.row_languages import row_languages
from taskzoo.audit.slices import slice_section
from taskzoo.audit.words import Vocabulary, pull_section, word_section, words_of
from taskzoo.metrics.multi_label import MultiLabel
from taskzoo.runs.scored_rows import read_scored_rows


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
    assert words_of("好。我") == set()  # they do not touch
    assert words_of("好我，ＡＢ１号") == {"好我", "ab1"}


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


def ner_row(text: str, *, gold: bool, called: bool) -> dict:
    entities = [{"start": 0, "end": len(text.split()[0]), "label": "PER"}]
    tags = ["B-PER"] + ["O"] * (len(text.split()) - 1)
    no, none = ["O"] * len(tags), list[dict]()
    reference = {"tags": tags if gold else no, "entities": entities if gold else none}
    given = {"tags": tags if called else no, "entities": entities if called else none}
    return {"text": text, "tokens": text.split(), **given, "reference": reference}


def test_a_perfect_tagger_has_no_gap_on_rows_without_entities(tmp_path: Path) -> None:
    rows = [ner_row(f"Ada saw it {i}", gold=i % 5 == 0, called=i % 5 == 0) for i in range(100)]
    rows += [ner_row("nobody came", gold=False, called=True), ner_row("Kim came", gold=True, called=False)]
    found, score = audited_rows(read_scored_rows(write_run(tmp_path / "run", "ner", rows, NER)))
    assert score.name == "f1"
    assert found.scores.tolist() == [1.0] * 100 + [0.0, 0.0]
    assert not slice_section(found, {"x": [str(i % 5) for i in range(102)]}, [""] * 102).found


@pytest.mark.parametrize("name", ["f1_micro", "f1_samples", "precision_micro", "accuracy"])
def test_no_labels_are_right_where_there_are_none(name: str) -> None:
    metric = MultiLabel(["a", "b"])
    known = {score.name: score for score in metric.scores}
    task = SimpleNamespace(metrics=lambda: [metric], score_of=known.__getitem__)
    gold, called = [[], ["a"], [], ["a"]], [[], ["a"], ["a"], []]
    predictions = [{"labels": labels, "_probabilities": np.array([0.4, 0.1])} for labels in called]
    found = RowScore(task, name, name, 1.0).of(predictions, [{"labels": labels} for labels in gold])
    assert found.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_short_texts_are_in_the_language_that_they_have_together() -> None:
    short = ["a great film", "so very dull", "not for me", "what a waste"] * 20
    assert row_languages(short, "") == ["en"] * 80
    assert row_languages([*short, "一部好电影"], "") == ["en"] * 81  # one of 81 is taken for a mistake
    assert row_languages(["good"], "") == [""]
    both = ["the weather was very good all over the country"] * 9 + ["Das Wetter war im ganzen Land sehr schön"] * 9
    assert row_languages([*both, "gut"], "") == ["en"] * 9 + ["de"] * 9 + [""]


def test_labels_and_groups_that_have_no_rates_are_counted() -> None:
    gold = [f"l{i % 25}" for i in range(1000)]
    where = ["x"] * 500 + ["y"] * 480 + ["z"] * 20
    notes = group_section(rows_of([f"t {i}" for i in range(1000)], gold, gold), {"g": where}).notes
    assert notes == (
        "Rates are of the 20 most frequent of 25 labels.",
        "g: 1 of 3 groups have fewer than 30 rows.",
        "g: 20 of 60 rates are without a group that has fewer than 30 rows of their kind, of which 20 have nothing to "
        "compare.",
    )
