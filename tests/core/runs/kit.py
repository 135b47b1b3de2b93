"""The command line inside this process, and what its runs are made of."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from taskzoo.cli import main

NAMES = {"PER": ["Ada", "Noor", "Kim"], "LOC": ["Lima", "Oslo", "Cairo"], "ORG": ["Acme", "Initech"]}
PATTERNS = ["PER went to LOC .", "ORG is in LOC .", "PER left ORG last year .", "nothing happened .", "PER met PER"]
COUNTS = {"train": 61, "validation": 11, "test": 13}


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def zoo(*arguments: object, stdin: str = "") -> Result:
    """``zoo ARGUMENTS``, in this process."""
    out, err = io.StringIO(), io.StringIO()
    argv, source = ["zoo", *map(str, arguments)], io.StringIO(stdin)
    with (
        mock.patch.multiple(sys, argv=argv, stdin=source),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code: Any = 0
        except SystemExit as error:
            code = error.code
    return Result(int(code or 0), out.getvalue(), err.getvalue())


def sentences(count: int, seed: int) -> list[tuple[list[str], list[str]]]:
    """Tokens and tags, no two sentences alike."""
    generator = random.Random(seed)
    made: dict[str, tuple[list[str], list[str]]] = {}
    while len(made) < count:
        number = f"{seed}{len(made)}"
        tokens, tags = [number], ["O"]
        for word in generator.choice(PATTERNS).split():
            tokens.append(generator.choice(NAMES[word]) if word in NAMES else word)
            tags.append(f"B-{word}" if word in NAMES else "O")
        made[" ".join(tokens)] = (tokens, tags)
    return list(made.values())


def write_conll(path: Path, rows: list[tuple[list[str], list[str]]]) -> Path:
    blocks = ("".join(f"{token}\t{tag}\n" for token, tag in zip(*row, strict=True)) for row in rows)
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


WORDS = {
    "animals": ["cat", "dog", "cow", "hen"],
    "food": ["soup", "rice", "bread", "fish"],
    "rain": ["wet", "fog", "hail"],
}
FILLER = ["a", "the", "my", "old", "big", "is", "was", "and", "very", "so"]


def text_rows(count: int, seed: int) -> list[dict[str, str]]:
    """Texts whose words mostly tell their label, in threads of three; no two alike."""
    generator = random.Random(seed)
    rows = []
    for i in range(count):
        label = generator.choice(list(WORDS))
        told = label if generator.random() < 0.85 else generator.choice(list(WORDS))
        words = generator.choices(FILLER, k=generator.randint(1, 9)) + generator.choices(WORDS[told], k=2)
        generator.shuffle(words)
        rows.append({"text": f"{' '.join(words)} {seed}{i}", "label": label, "thread": f"t{i // 3}_{i % 3}"})
    return rows


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A CSV file of rows with the same keys."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path
