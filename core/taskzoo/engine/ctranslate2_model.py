"""A model in CTranslate2: token ids in, token ids out, and no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError, RunError
from taskzoo.option_names import setting_name
from taskzoo.seq2seq.exported_generator import ExportedGenerator
from taskzoo.seq2seq.sequence_format import SequenceFormat

from .threads import wanted_threads

AT_ONCE = 256
"""Texts that are generated or scored at once, each beam counted."""


class Ctranslate2Model(ExportedGenerator):
    """A model on the CPU whose vocabulary has the ids themselves as tokens (``"17"``).

    Like torch, it takes as many threads as ``OMP_NUM_THREADS`` says, or as there are cores.

    Args:
        folder: with ``model.bin``.
        form: of the run.
        own: settings that every generation keeps.

    Raises:
        RequestError: CTranslate2 is not installed, or cannot read the files.
    """

    def __init__(self, folder: Path, form: SequenceFormat, own: Mapping[str, Any]) -> None:
        try:
            import ctranslate2
        except ImportError:
            raise RequestError(
                "This is an export to CTranslate2, which is not installed: pip install ctranslate2."
            ) from None
        self.own, self._form, self._decoder = own, form, form.kind == "decoder"
        kind = ctranslate2.Generator if self._decoder else ctranslate2.Translator
        try:
            self._model = kind(str(folder), device="cpu", intra_threads=wanted_threads() or os.cpu_count() or 1)
        except (RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())
            raise RequestError(
                f"CTranslate2 cannot load {str(folder)!r}: {said:.200}. Copy the export again."
            ) from None

    def generate(self, sources: Sequence[list[int]], settings: Mapping[str, Any]) -> list[list[int]]:
        asked = search_arguments(settings, decoder=self._decoder)
        asked["max_batch_size"] = max(1, AT_ONCE // asked["beam_size"])
        texts = [_tokens(source) for source in sources]
        if self._decoder:
            results = self._run(self._model.generate_batch, texts, include_prompt_in_result=False, **asked)
            return [list(map(int, result.sequences[0])) for result in results]
        if self._form.forced is not None:
            asked["target_prefix"] = [_tokens([self._form.forced])] * len(sources)
        results = self._run(self._model.translate_batch, texts, max_input_length=0, **asked)
        return [list(map(int, result.hypotheses[0])) for result in results]

    def token_log_probabilities(self, sources: Sequence[list[int]], outputs: Sequence[list[int]]) -> list[list[float]]:
        rest: dict[str, Any] = {"max_input_length": 0, "max_batch_size": AT_ONCE}
        if self._decoder:
            texts = [_tokens([*source, *output]) for source, output in zip(sources, outputs, strict=True)]
            results = self._run(self._model.score_batch, texts, **rest)
            found = [list(r.log_probs)[-len(output) :] for r, output in zip(results, outputs, strict=True)]
        else:  # it adds the end, whose probability is left out again where there is none
            targets = [_tokens(output[:-1] if output[-1] == self._form.end else output) for output in outputs]
            results = self._run(self._model.score_batch, list(map(_tokens, sources)), targets, **rest)
            found = [list(r.log_probs)[: len(output)] for r, output in zip(results, outputs, strict=True)]
        return [each[self._form.forced is not None :] for each in found]

    def _run(self, call: Any, *given: Any, **asked: Any) -> Any:
        try:
            return call(*given, **asked)
        except (RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())
            raise RunError(f"CTranslate2 cannot run the exported model: {said:.200}; use the run.") from None


def search_arguments(settings: Mapping[str, Any], *, decoder: bool) -> dict[str, Any]:
    """Settings of generation by the names that CTranslate2 has for them.

    Args:
        settings: of :func:`~taskzoo.seq2seq.generation_settings.generation_settings`.
        decoder: whether the model has no encoder, so that its source is the beginning of what it generates.

    Raises:
        RequestError: CTranslate2 cannot follow one of them.
    """
    left = dict(settings)
    for name in ("pad_token_id", "use_cache", "decoder_start_token_id", "forced_bos_token_id"):
        left.pop(name, None)
    if left.pop("do_sample"):
        raise RequestError(
            "CTranslate2 draws other random tokens than the run, so an export does not sample; use the run, or "
            f"{setting_name('sample=false')}."
        )
    repeats = left.pop("no_repeat_ngram_size", 0)
    if repeats and decoder:
        raise RequestError(
            "For a decoder, CTranslate2 cannot keep n-grams of the source out of the output as the run does; use the "
            f"run, or {setting_name('no_repeat_ngram=0')}."
        )
    end = left.pop("eos_token_id")
    never = [*left.pop("bad_words_ids", ()), *([i] for i in left.pop("suppress_tokens", ()))]
    least, most = ("min_length", "max_length") if decoder else ("min_decoding_length", "max_decoding_length")
    found = {
        "beam_size": left.pop("num_beams"),
        "length_penalty": left.pop("length_penalty", 1.0),
        "no_repeat_ngram_size": repeats,
        "suppress_sequences": [_tokens(ids) for ids in never if ids != [end]],
        "return_end_token": True,
        least: left.pop("min_new_tokens", 0),
        most: left.pop("max_new_tokens"),
    }
    if left:
        raise RequestError(
            f"CTranslate2 has nothing like the generation setting {min(left)!r} of this checkpoint, so the run cannot "
            "be exported."
        )
    return found


def _tokens(ids: Sequence[int]) -> list[str]:
    return list(map(str, ids))
