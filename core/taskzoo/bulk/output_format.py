"""In which format predictions are written, by a name such as ``csv.gz`` or that of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taskzoo.data.readers.conll import Conll
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.spec import TaskSpec

KINDS = ("jsonl", "csv", "tsv", "parquet", "text", "conll")
TABLES = ("csv", "tsv", "parquet")
"""Formats whose rows all have the same columns."""

_BY_SUFFIX: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    **dict.fromkeys(Conll.suffixes, "conll"),
}
_ENDINGS = {"text": "txt"}


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A format of predictions.

    Args:
        kind: one of :data:`KINDS`.
        packed: whether it is packed by gzip.
    """

    kind: str
    packed: bool = False

    @classmethod
    def named(cls, name: str) -> OutputFormat:
        """The format that ``--output-format`` names.

        Raises:
            UnknownNameError: there is none of this name.
            RequestError: Parquet is to be packed, which it is by itself.
        """
        kind, dot, packing = name.lower().partition(".")
        if kind not in KINDS or (dot and packing != "gz"):
            hint = f"There are {', '.join(KINDS)}, and with .gz behind them these are packed."
            raise UnknownNameError("output format", name, KINDS, hint)
        return cls(kind, bool(dot))._checked()

    @classmethod
    def of_file(cls, path: Path) -> OutputFormat:
        """The format that the name of a file says; JSON lines for any other name.

        Raises:
            RequestError: as :meth:`named`.
        """
        suffixes = [suffix.lower() for suffix in path.suffixes]
        packed = suffixes[-1:] == [".gz"]
        last = suffixes[-2:-1] if packed else suffixes[-1:]
        return cls(_BY_SUFFIX.get("".join(last), "jsonl"), packed)._checked()

    @property
    def ending(self) -> str:
        """Of the names of its files: ``.csv.gz``."""
        return f".{_ENDINGS.get(self.kind, self.kind)}{'.gz' if self.packed else ''}"

    def check_task(self, spec: TaskSpec) -> None:
        """Refuse, by a :class:`RequestError`, CoNLL for a task that predicts no tags."""
        if self.kind == "conll" and Conll.name not in spec.formats:
            raise RequestError(f"The output would be CoNLL, and {spec.id} predicts no tags; write JSON lines.")

    def _checked(self) -> OutputFormat:
        if self.kind == "parquet" and self.packed:
            raise RequestError("Parquet packs its columns by itself; leave out the .gz.")
        return self
