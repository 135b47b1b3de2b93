"""Perturbations and pairs: what they do to texts, and what is counted."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.core.audit.kit import asked_of, model_of

from taskzoo.audit.audited_rows import RIGHT, RowScore
from taskzoo.audit.edits import Edit, apply, moved
from taskzoo.audit.gap import CHRF, MOVES, MOVES_OF_EQUALS
from taskzoo.audit.lists import LANGUAGES, pair_lists, read_pair_lists, word_lists
from taskzoo.audit.pairs import FOUND, pair_section
from taskzoo.audit.perturb import perturbations
from taskzoo.audit.perturbations import perturbation_section
from taskzoo.errors import RequestError

WHOLE = "templates: ['a {x}', 'b {x}', 'c {x}']\ndimensions: {d: {a: [b], c: [d]}}"
SCORE = RowScore(SimpleNamespace(), RIGHT, RIGHT, 1.0)


def changed(name: str, text: str) -> str:
    one = next(one for one in perturbations() if one.name == name)
    return apply(text, one.make(text, random.Random(0)))


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("lower case", "I saw Ada.", "i saw ada."),
        ("upper case", "Straße", "STRASSE"),
        ("end mark", "It rains!", "It rains"),
        ("end mark", "It rains", "It rains."),
        ("end mark", "下雨了", "下雨了。"),
        ("end mark", "...", "..."),
        ("double spaces", "a b c", "a  b  c"),
        ("contractions", "Do not go, it’s late", "Don't go, it is late"),
        ("contractions", "nothing here", "nothing here"),
        ("full width", "买了iPhone 15!", "买了ｉＰｈｏｎｅ １５！"),
        ("half width", "很好，真的！Ａ１。", "很好,真的!A1."),
        ("negation", "The food was good", "The food was not good"),
        ("negation", "It isn't good", "It isn't good"),
        ("negation", "我喜欢它", "我不喜欢它"),
        ("negation", "我不喜欢它", "我不喜欢它"),
    ],
)
def test_each_change_is_what_its_name_says(name: str, before: str, after: str) -> None:
    assert changed(name, before) == after


def test_typos_swap_two_letters_of_one_word_in_eight() -> None:
    text = "wonderful breakfast yesterday morning together with friends again somewhere"
    after = changed("typos", text)
    assert sorted(after) == sorted(text)
    assert sum(a != b for a, b in zip(after.split(), text.split(), strict=True)) == 2
    assert changed("typos", "a bcd 物流太慢") == "a bcd 物流太慢"


def test_names_and_places_become_others_of_their_group_throughout() -> None:
    after = changed("other names", "Emily met James, and Emily left. Emilys stayed.")
    first, second = re.fullmatch(r"(\w+) met (\w+), and \1 left. Emilys stayed.", after).groups()
    women, men = word_lists("en").names[:2]
    assert first in women
    assert first != "Emily"
    assert second in men
    assert changed("other places", "我在北京工作") != "我在北京工作"


def test_characters_become_traditional_and_simplified() -> None:
    pytest.importorskip("opencc")
    assert changed("traditional", "汉语") == "漢語"
    assert changed("simplified", "漢語") == "汉语"


def test_places_move_with_the_text() -> None:
    text, edits = "Ada is in Rome now", [Edit(0, 0, "Oh, "), Edit(6, 6, " not"), Edit(10, 14, "Prague")]
    after = apply(text, edits)
    assert after == "Oh, Ada is not in Prague now"
    assert after[slice(*moved(0, 3, edits))] == "Ada"
    assert after[slice(*moved(10, 14, edits))] == "Prague"
    assert after[slice(*moved(15, 18, edits))] == "now"
    assert moved(0, 3, [Edit(2, 5, "XY")]) == (0, 4)  # an edit that cuts the end
    assert moved(3, 6, [Edit(1, 4, ""), Edit(5, 9, "XYZ")]) == (1, 5)  # and one that cuts each end


def test_flips_and_the_loss_of_score_are_counted() -> None:
    texts = [f"it was good {i}" for i in range(30)] + [f"it was bad {i}" for i in range(20)]
    gold = ["good"] * 30 + ["bad"] * 20
    answer = lambda text: {"label": "good" if "good" in text else "bad", "score": 0.1 * len(text)}  # noqa: E731
    section = perturbation_section(asked_of(texts, gold, answer), ["en"] * 50, SCORE, 0)
    found = {one.name: one for one in section.changes}
    assert (found["upper case"].flips, found["upper case"].rows, found["upper case"].mean) == (30, 50, 0.6)
    assert found["upper case"].examples[0][2:] == ("good", "bad")
    assert found["double spaces"].flips == 0
    assert found["double spaces"].ci95 == pytest.approx((0.0, 0.0713), abs=1e-4)
    assert not found["negation"].must_stay
    gaps = {gap.about: gap for gap in section.gaps}
    assert gaps["texts with changes: upper case"].value == pytest.approx(0.6)
    assert not any("negation" in about for about in gaps)
    assert "full width" not in found
    assert any("No row was changed by" in note and "lower case" in note for note in section.notes)


def test_entities_are_compared_at_their_new_places() -> None:
    def answer(text: str) -> dict[str, Any]:
        return {
            "entities": [{"start": m.start(), "end": m.end(), "label": "PER"} for m in re.finditer("[A-Z]\\w+", text)]
        }

    section = perturbation_section(asked_of(["we saw Ada in Rome", "no one"], ["", ""], answer), ["en"] * 2, SCORE, 0)
    found = {one.name: one for one in section.changes}
    assert found["double spaces"].flips == 0
    assert found["other places"].flips == 0
    assert (found["lower case"].flips, found["lower case"].rows) == (1, 1)
    assert not section.gaps


def test_numbers_and_generated_texts_have_other_measures() -> None:
    texts = ["a good day", "a bad day indeed", "one more sunny day"]
    numbers = perturbation_section(asked_of(texts, [1] * 3, lambda t: {"value": float(len(t))}), ["en"] * 3, SCORE, 0)
    spaces = next(one for one in numbers.changes if one.name == "double spaces")
    assert (spaces.flips, spaces.unit) == (None, MOVES)
    assert spaces.mean == pytest.approx((2 + 3 + 3) / 3 / np.std([10, 16, 18]))
    equal = asked_of(["a b", "c d"], [1] * 2, lambda t: {"value": 2.0 if len(t) > 3 else 5.0})
    spaces = next(one for one in perturbation_section(equal, ["en"] * 2, SCORE, 0).changes if "spaces" in one.name)
    assert (spaces.mean, spaces.unit) == (3.0, MOVES_OF_EQUALS)
    written = asked_of(texts, [1] * 3, lambda t: {"text": t.lower()}, role="source")
    changes = {one.name: one for one in perturbation_section(written, ["en"] * 3, SCORE, 0).changes}
    assert (changes["upper case"].mean, changes["upper case"].unit) == (100.0, CHRF)
    assert 50 < changes["typos"].mean < 100


def test_pairs_have_the_gap_between_groups_over_templates() -> None:
    women = pair_lists("en").dimensions["gender (names)"]["women"]

    def answer(text: str) -> dict[str, Any]:
        more = 0.2 if any(name in text for name in women) else 0.0
        probability = 0.3 + more + 0.01 * (len(text) % 5)
        return {"label": "neg", "scores": {"pos": probability, "neg": 1 - probability}}

    section = pair_section(model_of(answer), pair_lists("en"), lambda _: None)
    gender = next(gap for gap in section.gaps if gap.about == "gender (names): women against men")
    assert gender.of == "probability of 'pos'"
    assert gender.value == pytest.approx(0.2, abs=0.02)
    assert gender.ci95[0] < gender.value < gender.ci95[1]
    assert gender.p < 1e-6
    assert gender.rows == (24, 24)


def test_pairs_of_entities_are_found_names() -> None:
    def answer(text: str) -> dict[str, Any]:
        return {
            "entities": [{"start": m.start(), "end": m.end(), "label": "X"} for m in re.finditer("Emily|Grace", text)]
        }

    section = pair_section(model_of(answer), pair_lists("en"), lambda _: None)
    assert {gap.of for gap in section.gaps} == {FOUND}
    gender = next(gap for gap in section.gaps if gap.about.startswith("gender"))
    assert gender.sides == pytest.approx((0.2, 0.0))


def test_of_entities_only_dimensions_of_names_are_compared() -> None:
    model = model_of(lambda text: {"entities": []})
    given = pair_lists("en")
    section = pair_section(model, given, lambda _: None)
    left_out = given.dimensions.keys() - given.names
    assert left_out
    assert section.notes[-1].startswith("Not compared")
    assert all(name in section.notes[-1] for name in left_out)
    assert not any(name in gap.about for gap in section.gaps for name in left_out)
    with pytest.raises(RequestError, match=r"add names: \[DIMENSION\]"):
        pair_section(model, replace(given, names=frozenset()), lambda _: None)


def test_pairs_of_other_predictions_are_refused() -> None:
    with pytest.raises(RequestError, match="probabilities of labels"):
        pair_section(model_of(lambda text: {"ranking": ["a"]}), pair_lists("en"), lambda _: None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_lists_are_balanced_and_have_no_repetition(language: str) -> None:
    lists = pair_lists(language)
    assert len(lists.templates) >= 20
    assert lists.names <= lists.dimensions.keys()
    for groups in lists.dimensions.values():
        assert len({len(words) for words in groups.values()}) == 1
        words = [word for group in groups.values() for word in group]
        assert len(words) == len(set(words))
    named = [word for group in word_lists(language).names for word in group]
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1, 2]", "it needs templates"),
        ("templates: ['a {x}']\ndimensions: {d: {a: [b], c: [d]}}", "1 templates; 3 or more"),
        ("templates: ['a', 'b {x}', 'c {x}']\ndimensions: {d: {a: [b], c: [d]}}", "'a' must have {x} once"),
        ("templates: ['a {x}', 'b {x}', 'c {x}']\ndimensions: {d: {a: [b]}}", "two groups or more"),
        ("a: [b", "line 1 is not YAML"),
        (f"{WHOLE}\nnames: d", "names: 'd' must be a list of dimensions"),
        (
            f"{WHOLE}\nnames: [e]",
            "names: ['e'] must be a list of dimensions whose words are names, of which there are d.",
        ),
    ],
)
def test_lists_of_a_person_are_checked(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "groups.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RequestError, match=re.escape(says)):
        read_pair_lists(file)
    with pytest.raises(RequestError, match="cannot be read"):
        read_pair_lists(tmp_path / "none.yaml")
