"""What a runtime must be able to do so that runs can be exported to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from taskzoo.errors import RequestError
from taskzoo.models.fast_tokenizer import TokenizerSettings
from taskzoo.models.piece_tokenizer import PIECE_FILES
from taskzoo.runs.exported import MODEL_FILES, ExportedModel, digests
from taskzoo.runs.load import Run
from taskzoo.types import Feature

if TYPE_CHECKING:
    from taskzoo.engine.evaluation import Predictor
    from taskzoo.engine.exported_predictor import ExportedPredictor


class ExportFormat(ABC):
    """One run in one runtime's format.

    Args:
        run: on the CPU, in float32.
        predictor: of the run.
        features: that it is measured on.

    Attributes:
        kind: the format's name.
        title: for people.
        runtime: the package that runs it.
        output: what is compared with the run, for people.
        note: on using the files without this library, Markdown.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    runtime: ClassVar[str]
    output: ClassVar[str]
    note: ClassVar[str]

    def __init__(self, run: Run, predictor: Predictor, features: Sequence[Feature]) -> None:
        self.run, self.predictor, self.features = run, predictor, features
        self._tokenizer = TokenizerSettings.of(run.processor)

    @classmethod
    @abstractmethod
    def check_installed(cls) -> None:
        """Refuse, by a :class:`RequestError`, to export where a package for it is missing, with what to install."""

    @classmethod
    @abstractmethod
    def check_run(cls, run: Run) -> None:
        """Refuse, by a :class:`RequestError`, a run that cannot be exported."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """The model in float32."""

    @abstractmethod
    def write_int8(self, folder: Path) -> None:
        """The model with weights in 8 bits, in the place of that in float32."""

    @abstractmethod
    def largest_difference(self, exported: ExportedPredictor) -> tuple[float, float]:
        """The largest difference of an output to that of the run, and the largest output of the run."""

    def facts(self, precision: str, folder: Path) -> ExportedModel:
        """What ``export.json`` says of the files in ``folder``."""
        return ExportedModel(self.kind, precision, (), self._tokenizer, digests(folder))

    def size(self, folder: Path) -> int:
        """Bytes of the model's files."""
        return sum((folder / name).stat().st_size for name in MODEL_FILES[self.kind] if (folder / name).is_file())


def check_tokenizer(run: Run) -> None:
    """Refuse, by a :class:`RequestError`, a tokenizer that no other library has.

    Tokenizers of pieces alone are known with the marks that translations have.
    """
    of_pieces = type(run.processor).__name__ in PIECE_FILES and run.task.generates
    if not getattr(run.processor, "is_fast", False) and not of_pieces:
        raise RequestError(
            f"The tokenizer of this run ({type(run.processor).__name__}) is written in Python and has no "
            "tokenizer.json, which an export needs."
        )
