"""A model that was exported: what its directory holds, and how it is loaded, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError
from taskzoo.models.digests import file_digest, sample_digest
from taskzoo.models.fast_tokenizer import TOKENIZER_FILE, FastTokenizer, TokenizerSettings
from taskzoo.models.piece_tokenizer import PIECE_FILES, PieceTokenizer

from .directory import TASK_FILE, read_json

if TYPE_CHECKING:
    from taskzoo.engine.exported_predictor import ExportedPredictor
    from taskzoo.task import Task

    from .task_file import SavedTask

EXPORT_FILE = "export.json"
"""In the directory of an export, and in no other."""
FORMAT, SAMPLED = 2, 1
"""Of ``export.json``; the earlier one has digests of samples, and none of the task."""
ONNX, CTRANSLATE2 = "onnx", "ctranslate2"
"""Kinds of export."""
ONNX_FILE = "model.onnx"
MODEL_FILES: Mapping[str, tuple[str, ...]] = {
    ONNX: (ONNX_FILE, f"{ONNX_FILE}.data"),
    CTRANSLATE2: (
        *("model.bin", "config.json", "vocabulary.json"),
        *("shared_vocabulary.json", "source_vocabulary.json", "target_vocabulary.json"),
    ),
}
"""By kind; some are there for some models only, such as weights that are too many for one file."""
_FILES = {
    *(name for names in MODEL_FILES.values() for name in names),
    *(name for files in PIECE_FILES.values() for name in files.names),
    TOKENIZER_FILE,
    TASK_FILE,
}


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What an export's ``export.json`` says of its files.

    Args:
        kind: :data:`ONNX` or :data:`CTRANSLATE2`.
        precision: ``fp32`` or ``int8``.
        inputs: names of what the model was exported with (ONNX).
        tokenizer: what it has besides its files.
        files: file -> its digest.
        sequence_format: fields of a :class:`~taskzoo.seq2seq.sequence_format.SequenceFormat` (CTranslate2).
        own_settings: of generation, which the checkpoint has itself (CTranslate2).
        format: :data:`FORMAT` or :data:`SAMPLED`.
    """

    kind: str
    precision: str
    inputs: tuple[str, ...]
    tokenizer: TokenizerSettings
    files: Mapping[str, str]
    sequence_format: Mapping[str, Any] | None = None
    own_settings: Mapping[str, Any] | None = None
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """The inverse of :func:`read_export`."""
        return asdict(self)


def digests(folder: Path, format: int = FORMAT) -> dict[str, str]:
    """Digests of the model, the tokenizer and the task in ``folder``, as that format has them."""
    digest, without = (sample_digest, {TASK_FILE}) if format == SAMPLED else (file_digest, set[str]())
    return {name: digest(folder / name) for name in sorted(_FILES - without) if (folder / name).is_file()}


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
    if isinstance(saved, dict):
        for name, known in (("format", (FORMAT, SAMPLED)), ("kind", tuple(MODEL_FILES))):
            if saved.get(name) not in (None, *known):
                raise RequestError(
                    f"The export {str(folder)!r} has the {name} {saved[name]!r:.20}, which this taskzoo does not know; "
                    "upgrade taskzoo, or export the run again."
                )
    try:
        tokenizer = TokenizerSettings(**saved["tokenizer"])
        if tokenizer.pieces and tokenizer.pieces not in PIECE_FILES:
            raise ValueError(f"no tokenizer is named {tokenizer.pieces!r:.40}")
        return ExportedModel(
            kind=str(saved["kind"]),
            precision=str(saved["precision"]),
            inputs=tuple(saved["inputs"]),
            tokenizer=tokenizer,
            files=dict(saved["files"]),
            sequence_format=saved.get("sequence_format"),
            own_settings=saved.get("own_settings"),
            format=saved.get("format") or SAMPLED,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file, error) from None


def load_exported(folder: Path, task: Task, saved: SavedTask) -> ExportedPredictor:
    """The model in ``folder`` with its restored task, ready to predict.

    Raises:
        RequestError: it does not load, or its files are not those that were exported.
    """
    from taskzoo.engine.exported_predictor import ExportedPredictor

    facts = read_export(folder)
    found = digests(folder, facts.format)
    changed = sorted(name for name in {*facts.files, *found} if facts.files.get(name) != found.get(name))
    if changed:
        raise RequestError(
            f"The export {str(folder)!r} is not as it was made: {changed[0]!r} was changed, removed or added since; "
            "copy it again."
        )
    tokenizer = (PieceTokenizer if facts.tokenizer.pieces else FastTokenizer)(folder, facts.tokenizer)
    load_model = _load_ctranslate2 if facts.kind == CTRANSLATE2 else _load_onnx
    return ExportedPredictor(task, load_model(folder, task, facts, saved, tokenizer), tokenizer)


def _load_onnx(folder: Path, task: Task, facts: ExportedModel, saved: SavedTask, tokenizer: Any) -> Any:
    from taskzoo.engine.onnx_model import OnnxModel

    return OnnxModel(folder / ONNX_FILE, facts.inputs, saved.logit_scaling)


def _load_ctranslate2(folder: Path, task: Task, facts: ExportedModel, saved: SavedTask, tokenizer: Any) -> Any:
    from taskzoo.engine.ctranslate2_model import Ctranslate2Model
    from taskzoo.seq2seq.seq2seq_task import Seq2SeqTask
    from taskzoo.seq2seq.sequence_format import SequenceFormat

    if not isinstance(task, Seq2SeqTask):
        raise RequestError(f"The export {str(folder)!r} generates text, and its task does not; export the run again.")
    try:
        values: dict[str, Any] = dict(facts.sequence_format or {})
        values |= {name: tuple(map(int, values[name])) for name in ("before", "after", "target_before", "target_after")}
        values |= {f"{name}_limit": int(values[f"{name}_limit"]) for name in ("source", "target", "generation")}
        values |= {name: int(values[name]) for name in ("start", "end", "pad")}
        form, own = SequenceFormat(**values), dict(facts.own_settings or {})
    except (TypeError, ValueError, KeyError) as error:
        raise _damaged(folder / EXPORT_FILE, error) from None
    task.configure_exported(tokenizer, form)
    return Ctranslate2Model(folder, form, own)


def _damaged(file: Path, error: Exception) -> RequestError:
    return RequestError(f"{str(file)!r} is damaged ({error!s:.200}); export the run again.")
