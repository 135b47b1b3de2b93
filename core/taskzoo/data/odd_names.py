"""Names of labels that are hardly meant: missing values, variants of one name, a header among the rows."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

from taskzoo.errors import shown

_MISSING = {
    *("nan", "none", "null", "na", "n/a", "<na>", "nat", "nil", "undefined", "missing", "#n/a", "#value!", "#ref!"),
    *("空", "无", "缺失"),
}
_DASHES = {"-", "--", "\N{EN DASH}", "\N{EM DASH}", "?"}
"""What stands where there is no label (in SNLI: where its annotators do not agree); ``-`` beside ``+`` is one."""
_HEADERS = {"label", "labels", "class", "category", "target", "sentiment", "tag", "标签", "类别"}
_BETWEEN = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")
"""What stands between words; a hyphen at either end counts: ``-1``, ``A-``."""
_MOST = 500  # names that are compared with one another
_RARE, _ALIKE, _SHORTEST = 0.02, 0.85, 5


def odd_names(counts: Mapping[str, int]) -> list[str]:
    """What a person should look at, a sentence each.

    Args:
        counts: name -> rows that have it.
    """
    notes = []
    groups: dict[str, list[str]] = defaultdict(list)
    for name, count in counts.items():
        groups[_folded(name)].append(name)
        if is_missing(name) or (name.strip() in _DASHES and "+" not in counts):
            notes.append(f"the label {_with_rows(name, count)} looks like a missing value")
        elif name.strip().casefold() in _HEADERS and count == 1:
            notes.append(f"the label {_with_rows(name, count)} looks like a header that was read as a row")
        if _invisible(name):
            notes.append(f"the label {_with_rows(name, count)} holds a character that cannot be seen")
    for names in groups.values():
        if len(names) > 1:
            listed = " and ".join(_with_rows(name, counts[name]) for name in sorted(names))
            alike = len({name.casefold() for name in names}) == 1
            what = "upper and lower case" if alike else "case, spaces, width or invisible characters"
            notes.append(f"the labels {listed} differ in {what} only")
    return notes + _misspelt(counts, groups)


def is_missing(name: str) -> bool:
    """Whether a label is a word that programs write where there is no value."""
    return name.strip().casefold() in _MISSING


def _misspelt(counts: Mapping[str, int], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Rare names that are nearly that of a frequent label."""
    if len(counts) > _MOST:
        return []
    notes = []
    for name, count in counts.items():
        for other, rows in counts.items():
            if count > _RARE * rows or len(name) < _SHORTEST or name in groups[_folded(other)]:
                continue
            alike = difflib.SequenceMatcher(None, name.casefold(), other.casefold()).ratio() >= _ALIKE
            if alike and re.sub(r"\d", "", name) != re.sub(r"\d", "", other) and name[0] == other[0]:
                notes.append(f"the label {_with_rows(name, count)} may be {_with_rows(other, rows)} misspelt")
                break
    return notes


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    seen = "".join(c for c in plain if not _hidden(c)).strip(" _")
    return _BETWEEN.sub(" ", seen) or name


def _invisible(name: str) -> bool:
    return any(_hidden(c) or (c.isspace() and c != " ") for c in name)


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Cc", "Cn", "Co") and not character.isspace()


def _with_rows(name: str, count: int) -> str:
    return f"{shown(name)} ({count} row{'' if count == 1 else 's'})"
