"""Which pairs of a source and a target look wrong, as in corpora that were gathered by machine.

Simple checks of the kind that corpus cleaning in translation begins with (Koehn et al. 2007, ``clean-corpus-n``;
Khayrallah and Koehn 2018 on which noise hurts). Nothing here drops anything: a report says which pairs are good and why
the others are not, each under the first reason that holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from taskzoo.languages import as_language, language_scripts
from taskzoo.scripts import scripts_in

REASONS = ("empty", "copies", "too long", "length ratio", "wrong script", "duplicates")
"""In the order in which they are looked for."""

_SLACK = 5.0  # characters on both sides of a ratio, since short texts vary more
_ROUNDING = 1e-9  # a ratio at the limit is within it, whichever side is divided by the other
_LEAST_SHARE = 0.2  # of a text's letters in a script of its language; names and formulas stay in theirs
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        kept: indices of the pairs without a finding, in order.
        counts: reason -> pairs it holds for, all of :data:`REASONS`.
        examples: reason -> the first few indices.
        length_ratio: the corpus's median of target characters per source character; NaN for no pairs.
    """

    kept: list[int]
    counts: dict[str, int]
    examples: dict[str, list[int]] = field(default_factory=dict)
    length_ratio: float = float("nan")

    @property
    def found(self) -> dict[str, int]:
        """The counts above zero."""
        return {reason: count for reason, count in self.counts.items() if count}


def filter_pairs(
    pairs: Sequence[tuple[str, str]],
    *,
    max_length_ratio: float = 3.0,
    languages: tuple[str, str] = ("", ""),
    max_words: int = 250,
    max_characters: int = 2000,
) -> Report:
    """Look at every pair.

    * ``empty``: a side without text.
    * ``copies``: both sides the same but for case and whitespace.
    * ``too long``: a side of more than ``max_words`` words or ``max_characters`` characters.
    * ``length ratio``: the target is ``max_length_ratio`` times longer or shorter than its source lets expect by the
      corpus's own median ratio, so that Chinese, which needs a third of the characters of English, is as good as any.
    * ``wrong script``: less than a fifth of a side's letters are of a script of its language. Nothing is asked of a
      language that is unknown, or of a text without letters.
    * ``duplicates``: the same pair but for whitespace was good before.

    Args:
        pairs: source and target.
        max_length_ratio: above 1.
        languages: of the two sides, in any form; ``""``: unknown.
        max_words: of the longest text, separated by spaces.
        max_characters: of the longest text.

    Raises:
        ValueError: ``max_length_ratio`` is 1 or less.
    """
    if not max_length_ratio > 1:
        raise ValueError(f"max_length_ratio={max_length_ratio} must be above 1.")
    clean = [(" ".join(source.split()), " ".join(target.split())) for source, target in pairs]
    ratios = [len(target) / len(source) for source, target in clean if source and target]
    usual = median(ratios) if ratios else float("nan")
    longest = max_length_ratio * (1 + _ROUNDING)
    scripts = [language_scripts(code) if (code := as_language(name)) else frozenset[str]() for name in languages]
    found: dict[str, list[int]] = {reason: [] for reason in REASONS}
    kept: list[int] = []
    seen: set[tuple[str, str]] = set()
    for index, pair in enumerate(clean):
        source, target = pair
        if not source or not target:
            reason = "empty"
        elif source.casefold() == target.casefold():
            reason = "copies"
        elif any(len(text) > max_characters or text.count(" ") >= max_words for text in pair):
            reason = "too long"
        elif not 1 / longest <= _stretch(source, target, usual) <= longest:
            reason = "length ratio"
        elif not all(_is_in(text, wanted) for text, wanted in zip(pair, scripts, strict=True)):
            reason = "wrong script"
        elif pair in seen:
            reason = "duplicates"
        else:
            seen.add(pair)
            kept.append(index)
            continue
        found[reason].append(index)
    return Report(
        kept,
        {reason: len(indices) for reason, indices in found.items()},
        {reason: indices[:_EXAMPLES] for reason, indices in found.items() if indices},
        usual,
    )


def _stretch(source: str, target: str, usual: float) -> float:
    """How much longer the target is than expected (1: as expected), in characters of the denser language."""
    per_source, per_target = (usual, 1.0) if usual < 1 else (1.0, 1 / usual)
    return (per_target * len(target) + _SLACK) / (per_source * len(source) + _SLACK)


def _is_in(text: str, scripts: frozenset[str]) -> bool:
    counts = scripts_in(text)
    letters = counts.total()
    return not scripts or not letters or sum(counts[script] for script in scripts) >= _LEAST_SHARE * letters
