"""The labels that people choose from."""

from __future__ import annotations

from collections.abc import Iterable


def choices_of(outputs: Iterable[str]) -> list[str]:
    """The names of a model's outputs; of tags in IOB2 their types."""
    names = list(outputs)
    if "O" in names and all(name == "O" or name[:2] in ("B-", "I-") for name in names):
        return list(dict.fromkeys(name[2:] for name in names if name != "O"))
    return names
