"""A text in pieces: words with their evidence, and what lies between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .explanation import Explained, WordEvidence

LEAST = 0.1
"""Of the strongest evidence; a word with less is not marked."""


class Piece(NamedTuple):
    """Some characters of a text.

    Args:
        text: the characters.
        word: the word that they are, if they are one.
        strength: its evidence as a share of the strongest in the input, from -1 to 1; 0 for anything weak.
    """

    text: str
    word: WordEvidence | None = None
    strength: float = 0.0


def pieces(explained: Explained, texts: Mapping[str, str]) -> dict[str, list[Piece]]:
    """Role -> its text in pieces, which together are the text."""
    most = max((abs(word.evidence or 0.0) for word in explained.words), default=0.0)
    found: dict[str, list[Piece]] = {}
    for role, text in texts.items():
        place, row = 0, list[Piece]()
        for word in explained.words:
            if word.role != role:
                continue
            if word.start > place:
                row.append(Piece(text[place : word.start]))
            strength = (word.evidence or 0.0) / most if most else 0.0
            row.append(Piece(text[word.start : word.end], word, strength if abs(strength) >= LEAST else 0.0))
            place = word.end
        if place < len(text):
            row.append(Piece(text[place:]))
        found[role] = row
    return found


def claim_text(explained: Explained, texts: Mapping[str, str]) -> str:
    """What is explained, for people: ``positive``, ``Ada Lovelace: PER``."""
    claim = explained.claim
    if claim.span is not None:
        return f"{texts[claim.span.role][claim.span.start : claim.span.end]}: {claim.name}"
    return claim.name


def method_text(explained: Explained) -> str:
    """By which method, compared with what, and what is left over, in one line."""
    parts = [explained.method, f"baseline: {explained.baseline}"]
    if explained.baseline_value is not None:
        parts[-1] += f" ({explained.unit} {explained.baseline_value:.3f})"
    if explained.residual is not None:
        parts.append(f"residual {explained.residual:+.4f}")
    return "; ".join(parts)
