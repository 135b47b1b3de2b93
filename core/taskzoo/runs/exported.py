"""A model that was exported: what its directory holds, and how it is loaded, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError
from taskzoo.models.digests import sample_digest
from taskzoo.models.fast_tokenizer import TOKENIZER_FILE, FastTokenizer, TokenizerSettings

from .directory import read_json

if TYPE_CHECKING:
    from taskzoo.engine.onnx_predictor import OnnxPredictor
    from taskzoo.task import Task

    from .task_file import SavedTask

EXPORT_FILE = "export.json"
"""In the directory of an export, and in no other."""
MODEL_FILE = "model.onnx"
DATA_FILE = f"{MODEL_FILE}.data"
"""The weights, where they are too many for one file."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What an export's ``export.json`` says of its files.

    Args:
        precision: ``fp32`` or ``int8``.
        inputs: names of what the model was exported with.
        tokenizer: what it has besides ``tokenizer.json``.
        files: file -> digest of a sample of it.
    """

    precision: str
    inputs: tuple[str, ...]
    tokenizer: TokenizerSettings
    files: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The inverse of :func:`read_export`."""
        return {"format": FORMAT, "kind": "onnx", **asdict(self)}


def digests(folder: Path) -> dict[str, str]:
    """Digests of the model and the tokenizer in ``folder``."""
    files = (folder / name for name in (MODEL_FILE, DATA_FILE, TOKENIZER_FILE))
    return {file.name: sample_digest(file) for file in files if file.is_file()}


def is_export(path: str | Path) -> bool:
    """Whether this is the directory of an export."""
    return (Path(path) / EXPORT_FILE).is_file()


def read_export(folder: Path) -> ExportedModel:
    """What the export in ``folder`` is.

    Raises:
        RequestError: its description is damaged or of a later version.
    """
    file = folder / EXPORT_FILE
    saved = read_json(file)
    if isinstance(saved, dict) and saved.get("format") not in (None, FORMAT):
        raise RequestError(
            f"The export {str(folder)!r} has format {saved['format']!r:.20}, which this taskzoo does not know; upgrade "
            "taskzoo, or export the run again."
        )
    try:
        tokenizer = TokenizerSettings(**saved["tokenizer"])
        return ExportedModel(str(saved["precision"]), tuple(saved["inputs"]), tokenizer, dict(saved["files"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(f"{str(file)!r} is damaged ({error}); export the run again.") from None


def load_exported(folder: Path, task: Task, saved: SavedTask) -> OnnxPredictor:
    """The model in ``folder`` with its restored task, ready to predict.

    Raises:
        RequestError: it does not load, or its files are not those that were exported.
    """
    from taskzoo.engine.onnx_predictor import OnnxModel, OnnxPredictor

    facts, found = read_export(folder), digests(folder)
    changed = sorted(name for name in {*facts.files, *found} if facts.files.get(name) != found.get(name))
    if changed:
        raise RequestError(
            f"The export {str(folder)!r} is not as it was made: {changed[0]!r} was changed, removed or added since; "
            "copy it again."
        )
    model = OnnxModel(folder / MODEL_FILE, facts.inputs, saved.logit_scaling)
    return OnnxPredictor(task, model, FastTokenizer(folder, facts.tokenizer))
