"""Runs that generate text, for CTranslate2."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.runs.exported import CTRANSLATE2, MODEL_FILES, ONNX, ExportedModel
from taskzoo.runs.load import Run
from taskzoo.seq2seq.generation_settings import generation_settings, own_settings
from taskzoo.seq2seq.seq2seq_task import Seq2SeqTask
from taskzoo.seq2seq.sequence_format import SequenceFormat
from taskzoo.seq2seq.text_decoder import TextDecoder

from .ctranslate2_files import can_convert, check_installed, write_model
from .export_format import ExportFormat, check_tokenizer

if TYPE_CHECKING:
    from taskzoo.engine.exported_predictor import ExportedPredictor


class Ctranslate2Format(ExportFormat):
    """The layers of an encoder-decoder or of a decoder, and the settings of its generation."""

    kind = CTRANSLATE2
    title = "a CTranslate2 model"
    runtime = "ctranslate2"
    output = "log-probability"
    note = (
        'Tokens of the vocabulary are the ids of the run\'s tokenizer as text (`"17"`), so other programs give '
        "`ctranslate2` the ids, special ones included, and decode the ids that come back. Beams are weighed otherwise "
        "than `transformers` does where tokens are barred (`no_repeat_ngram`): the table says what that changes."
    )

    @classmethod
    def check_installed(cls) -> None:
        check_installed()

    @classmethod
    def check_run(cls, run: Run) -> None:
        from taskzoo.engine.ctranslate2_model import search_arguments

        task = run.task
        if not task.generates:
            raise RequestError(
                f"Runs of {run.spec.id} predict labels, numbers or tags, which CTranslate2 does not; export it with "
                f"{option_name('to', ONNX)}."
            )
        members = ("configure", "encode", "collator", "predict_batch")
        if not isinstance(task, Seq2SeqTask) or any(
            getattr(type(task), name) is not getattr(Seq2SeqTask, name) for name in members
        ):
            raise RequestError(f"The task {run.spec.id} generates in a way of its own, which needs transformers.")
        if not can_convert(run.model.config):
            raise RequestError(
                f"CTranslate2 knows no models of the family {run.model.config.model_type} that generate, so this run "
                "cannot be exported; runs of Marian, BART, mBART, Pegasus, M2M-100, NLLB, T5 and of many decoders can."
            )
        check_tokenizer(run)
        if TextDecoder(run.processor).separates_marks:
            raise RequestError(
                "The tokenizer of this run puts spaces before punctuation marks, which only transformers takes out "
                "again, so the run cannot be exported."
            )
        own = own_settings(run.model.generation_config)
        settings = generation_settings(task.options, task.form, own, longest_target=1)
        search_arguments(settings, decoder=task.form.kind == "decoder")

    def write(self, folder: Path) -> None:
        write_model(self.run.model, self._form, folder, int8=False)

    def write_int8(self, folder: Path) -> None:
        for name in MODEL_FILES[self.kind]:
            (folder / name).unlink(missing_ok=True)
        write_model(self.run.model, self._form, folder, int8=True)

    def largest_difference(self, exported: ExportedPredictor) -> tuple[float, float]:
        from .measure import largest_score_difference

        return largest_score_difference(self.predictor, exported, self.features)

    def facts(self, precision: str, folder: Path) -> ExportedModel:
        own = own_settings(self.run.model.generation_config)
        found = super().facts(precision, folder)
        return replace(found, sequence_format=asdict(self._form), own_settings=own)

    @property
    def _form(self) -> SequenceFormat:
        task: Any = self.run.task
        form: SequenceFormat = task.form
        return form
