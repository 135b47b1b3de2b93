"""Texts with labels, made from patterns and word lists of their own for train and validation; test is written by hand.

A source file holds all that is language, in sections ``[words train]``, ``[train LABEL]``, ``[test LABEL]``, ....
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .shared import SPLITS, bare, refuse_repeats, refuse_shared, runs

Words = dict[str, list[str]]


class Example(NamedTuple):
    """One text with its label, and the pattern it was made from: for a text written by hand, the text."""

    text: str
    label: str
    pattern: str


class Source(NamedTuple):
    """What source files hold."""

    words: dict[str, Words]  # split -> name -> items
    patterns: dict[str, dict[str, list[str]]]  # split -> label -> patterns (of test: whole texts)


def read_source(*paths: Path) -> Source:
    """The word lists of all files and the patterns of the first; its header says what the sections are."""
    words: dict[str, Words] = {split: {} for split in SPLITS}
    patterns: dict[str, dict[str, list[str]]] = {split: {} for split in SPLITS}
    for path in paths:
        kind, label = "", ""
        for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            line = raw.strip()
            header = re.fullmatch(r"\[(words|train|validation|test) ([^\[\]|]+)\]", line)
            if header:
                kind, label = header.groups()
            elif not line or line.startswith("#"):
                continue
            elif kind == "words":
                key, equals, items = line.partition(" = ")
                if not equals or key in words[label]:
                    raise ValueError(f"{path.name}:{number}: not a new word list")
                words[label][key] = [item.strip() for item in items.split(" | ")]
            elif path == paths[0]:
                patterns[kind].setdefault(label, []).append(line)
    return Source(words, patterns)


def check_texts(
    data: Mapping[str, Sequence[Example]], source: Source, sizes: Mapping[str, int], longest_shared: int
) -> None:
    """Raise ``ValueError`` if splits share what they should not, or if sizes or texts are wrong.

    Args:
        data: split -> examples.
        source: what they were made from.
        sizes: split -> number of examples.
        longest_shared: so many words (characters, in Chinese) in a row may a test text share with another split.
    """
    for split, examples in data.items():
        if len(examples) != sizes[split]:
            raise ValueError(f"{split}: {len(examples)} texts, not {sizes[split]}")
        broken = [example.text for example in examples if re.search(r"[\[\]{}|@\n]|\s\s|^\s|\s$", example.text)]
        if broken:
            raise ValueError(f"{split}: malformed: {broken[:3]}")
    refuse_repeats("texts", (bare(example.text) for examples in data.values() for example in examples))
    for name in source.words["train"].keys() & source.words["validation"].keys():
        shared = set(source.words["train"][name]) & set(source.words["validation"][name])
        if shared:
            raise ValueError(f"train and validation share items of {name}: {shared}")
    refuse_shared("patterns", {split: {example.pattern for example in data[split]} for split in SPLITS})
    length = longest_shared + 1
    known = {run for split in ("train", "validation") for e in data[split] for run in runs(e.text, length)}
    copied = [example.text for example in data["test"] if known & set(runs(example.text, length))]
    if copied:
        raise ValueError(f"test texts with {length} words in a row from another split: {copied[:3]}")
