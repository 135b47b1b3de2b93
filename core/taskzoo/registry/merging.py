"""Which recipes a run gets, and what they set together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .schema import Recipe


@dataclass(frozen=True, slots=True)
class ResolvedRecipe:
    """Settings from all recipes that match, the most specific last, and where they come from in that order."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)


def merge(
    recipes: Iterable[Recipe],
    model: str | None,
    family: str | None,
    kind: str | None,
    method: str,
) -> ResolvedRecipe:
    """All of one task's ``recipes`` that match, in their order: a later one replaces values of an earlier."""
    result = ResolvedRecipe()
    for recipe in recipes:
        if recipe.match.fits(model, family, kind, method):
            result.values.update(recipe.set)
            result.sources.append(str(recipe))
    return result
