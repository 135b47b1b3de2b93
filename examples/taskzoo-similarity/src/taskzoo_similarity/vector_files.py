"""Texts of a file to vectors in a file, or to the nearest of them, in memory that does not grow with the file."""

from __future__ import annotations

import heapq
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import taskzoo
from taskzoo import DataError, RequestError

from .embedder import Embedder
from .similarity_task import SimilarityTask

CHUNK = 1000
ENDINGS = (".npy", ".jsonl")
JSON_LINES, TABLES = (".jsonl", ".ndjson"), (".csv", ".tsv", ".parquet", ".json")


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A text of a file, and how similar it is to the query."""

    cosine: float
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a file, which is read again each time; ``column`` names their key in JSON lines."""

    path: Path
    column: str

    def __iter__(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="\n") as file:
                for number, line in enumerate(file, 1):
                    yield self._text(line.rstrip("\r\n"), number)
        except UnicodeDecodeError:
            raise DataError("the file is not UTF-8 text; convert it with iconv.", file=str(self.path)) from None

    def _text(self, line: str, number: int) -> str:
        if self.path.suffix.lower() not in JSON_LINES or not line.strip():
            return line
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict) or not isinstance(value.get(self.column), str):
            raise DataError(
                f"this is not an object with a text under {self.column!r}.", file=str(self.path), line=number
            )
        return str(value[self.column])


def read_texts(path: Path, column: str | None) -> Texts:
    """The texts of a file that exists and has some; all of them are looked at, so that a bad line is known at once.

    Args:
        path: of JSON lines, or of one text in each line.
        column: the key in JSON lines; ``text`` if it is ``None``.

    Raises:
        DataError: there is no such file, it cannot be read, or it has no text.
        RequestError: the file is a table, or a column of a file without columns is asked for.
    """
    if not path.is_file():
        raise DataError("there is no such file.", file=str(path))
    if path.suffix.lower() in TABLES:
        raise RequestError(f"{path} has neither one text per line nor JSON lines (.jsonl); write it in one of the two.")
    if column is not None and path.suffix.lower() not in JSON_LINES:
        raise RequestError(
            f"--column {column} is for JSON lines (.jsonl), and {path} has one text per line; leave it out."
        )
    texts = Texts(path, column or "text")
    if not sum(1 for text in texts if text.strip()):
        raise DataError("the file has no text.", file=str(path))
    return texts


def check_output(path: Path) -> None:
    """Refuse another ending than :data:`ENDINGS`, and a folder that is not there."""
    if path.suffix not in ENDINGS:
        raise RequestError(f"The output {str(path)!r} must end in {' or '.join(ENDINGS)}.")
    if not path.parent.is_dir():
        raise RequestError(f"There is no folder {str(path.parent)!r} to write to.")


def load_embedder(run: str) -> Embedder:
    """The encoder of a run.

    Raises:
        RequestError: the run is of another task, or an export.
    """
    loaded = taskzoo.load(run)
    if not isinstance(loaded.task, SimilarityTask):
        raise RequestError(f"{run!r} is a run of the task {loaded.spec.id}; its vectors are not made to be compared.")
    return Embedder(loaded.task, loaded.model, loaded.processor)


def prompt_of(embedder: Embedder, role: str) -> str:
    """The prompt before texts of a role, ``text`` or ``other``."""
    if role not in ("text", "other"):
        raise RequestError(f"--role {role} is neither text nor other.")
    return str(embedder.task.options[f"{role}_prompt"])


def write_vectors(embedder: Embedder, texts: Texts, output: Path, prompt: str, *, shown: bool) -> int:
    """Write the vectors, and put the file in its place when it is whole; how many there are."""
    count = sum(1 for _ in texts)
    width = embedder.model.config.hidden_size
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".vectors-") as folder:
        draft = Path(folder) / output.name
        if output.suffix == ".npy":
            array = np.lib.format.open_memmap(draft, mode="w+", dtype=np.float32, shape=(count, width))
            for start, chunk in _chunks(texts, count, shown=shown):
                array[start : start + len(chunk)] = embedder(chunk, prompt)
            array.flush()
        else:
            with draft.open("w", encoding="utf-8") as file:
                for _, chunk in _chunks(texts, count, shown=shown):
                    for text, vector in zip(chunk, embedder(chunk, prompt), strict=True):
                        values = [round(float(value), 7) for value in vector]
                        file.write(json.dumps({"text": text, "vector": values}, ensure_ascii=False) + "\n")
        os.replace(draft, output)
    return count


def nearest(embedder: Embedder, query: str, texts: Texts, top: int, *, shown: bool) -> list[Hit]:
    """The ``top`` texts that are most similar to ``query``, the most similar first."""
    options = embedder.task.options
    vector = embedder([query], options["text_prompt"])[0]
    best: list[Hit] = []
    for start, chunk in _chunks(texts, sum(1 for _ in texts), shown=shown):
        cosines: Any = embedder(chunk, options["other_prompt"]) @ vector
        hits = (Hit(float(c), start + i, t) for i, (c, t) in enumerate(zip(cosines, chunk, strict=True), 1))
        best = heapq.nlargest(top, [*best, *(hit for hit in hits if hit.text.strip())])
    return best


def _chunks(texts: Texts, count: int, *, shown: bool) -> Iterator[tuple[int, list[str]]]:
    """The place of the first text of each chunk, from 0, and the texts; says on stderr how far it is."""
    given, done = iter(texts), 0
    while chunk := list(islice(given, CHUNK)):
        yield done, chunk
        done += len(chunk)
        if shown and count > CHUNK:
            print(f"{done:,} of {count:,} texts", file=sys.stderr)
