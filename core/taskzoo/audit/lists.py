"""Lists of words and templates: ours in ``lists/``, and those of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from taskzoo.errors import RequestError

SLOT = "{x}"
FEWEST_TEMPLATES = 3
LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class WordLists:
    """Words of a language for perturbations.

    Args:
        names: groups of given or full names; one is replaced by another of its group.
        places: groups of places, likewise.
        negatable: words that can be negated.
        contractions: long and short forms.
    """

    names: tuple[tuple[str, ...], ...]
    places: tuple[tuple[str, ...], ...]
    negatable: tuple[str, ...]
    contractions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PairLists:
    """What counterfactual pairs are made of.

    Args:
        templates: sentences with :data:`SLOT` in the place of the group.
        dimensions: name -> group -> what is put into the slot.
        names: the dimensions whose fillers are names, which tasks with entities shall find.
    """

    templates: tuple[str, ...]
    dimensions: Mapping[str, Mapping[str, tuple[str, ...]]]
    names: frozenset[str]


@cache
def word_lists(language: str) -> WordLists:
    """The lists of one of :data:`LANGUAGES`."""
    found = _built_in(language)["perturbations"]
    contractions = tuple((pair[0], pair[1]) for pair in found.get("contractions", ()))
    names, places = (tuple(tuple(words.split()) for words in found[kind]) for kind in ("names", "places"))
    return WordLists(names, places, tuple(found["negatable"].split()), contractions)


@cache
def pair_lists(language: str) -> PairLists:
    """The templates and groups of one of :data:`LANGUAGES`."""
    return _pair_lists(_built_in(language)["pairs"], f"{language}.yaml")


def read_pair_lists(path: str | Path) -> PairLists:
    """The templates and groups in a person's file.

    Raises:
        RequestError: it is not there, or not what it should be; the message says what is missing.
    """
    file = Path(path)
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"--groups {str(path)!r} cannot be read: {error.strerror or error}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise RequestError(f"--groups {str(path)!r}{line} is not YAML in UTF-8.") from None
    return _pair_lists(found, str(path))


def _built_in(language: str) -> Any:
    file = Path(__file__).parent / "lists" / f"{language}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def _pair_lists(found: Any, source: str) -> PairLists:
    form = "it needs templates: [sentences with {x}] and dimensions: {NAME: {GROUP: [words], GROUP: [words]}}"
    if not isinstance(found, dict):
        raise RequestError(f"{source}: {form}.")
    templates, dimensions = found.get("templates"), found.get("dimensions")
    if not isinstance(templates, list) or not _is_list(templates) or not isinstance(dimensions, dict) or not dimensions:
        raise RequestError(f"{source}: {form}.")
    if bad := [text for text in templates if text.count(SLOT) != 1]:
        raise RequestError(f"{source}: the template {bad[0]!r} must have {SLOT} once.")
    if len(set(templates)) < FEWEST_TEMPLATES:
        raise RequestError(
            f"{source} has {len(set(templates))} templates; {FEWEST_TEMPLATES} or more are needed for an interval."
        )
    for name, groups in dimensions.items():
        if not isinstance(groups, dict) or len(groups) < 2 or not all(map(_is_list, groups.values())):
            raise RequestError(f"{source}: {name!r} must have two groups or more, each a list of words; {form}.")
    made = {str(name): {str(g): tuple(words) for g, words in groups.items()} for name, groups in dimensions.items()}
    names = [] if found.get("names") is None else found["names"]
    if not isinstance(names, list) or not made.keys() >= (named := set(map(str, names))):
        raise RequestError(
            f"{source}: names: {names!r} must be a list of dimensions whose words are names, of which there are "
            f"{', '.join(made)}."
        )
    return PairLists(tuple(dict.fromkeys(templates)), made, frozenset(named))


def _is_list(value: Any) -> bool:
    """Whether this is a list of texts, and not empty."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)
