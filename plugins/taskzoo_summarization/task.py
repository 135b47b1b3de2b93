"""The task ``summarization``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from taskzoo.languages import language_code, language_name
from taskzoo.metrics.generated import GeneratedText
from taskzoo.metrics.quality import QualityEstimate
from taskzoo.metrics.summaries import Rouge
from taskzoo.scripts import main_script
from taskzoo.seq2seq.pair_examples import text_predictions
from taskzoo.seq2seq.seq2seq_task import Seq2SeqTask
from taskzoo.seq2seq.sequence_format import pretrained_prefixes
from taskzoo.types import Example, Metric, Prediction

from .lead import Lead

SAMPLE = 200


class SummarizationTask(Seq2SeqTask):
    """Shorter, in the same language."""

    primary_metric = "rougeL"
    language_hint = "language=en"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.source_lang = self.target_lang = options["language"]
        if self.target_lang:
            language_code(self.target_lang)  # refuses what is not one

    def guess_language(self, texts: Iterable[str]) -> str:
        rest = iter(texts)
        first = list(islice(rest, SAMPLE))
        latin = main_script(" ".join(first)) == "Latn"  # ROUGE reads Latin letters as English
        return super().guess_language(chain(first, rest)) or ("en" if latin else "")

    def describe(self) -> str:
        name = language_name(self.output_language) if self.output_language else "an unknown language"
        return f"summaries in {name}" + (
            "" if self.target_lang else " (detected from their script; set language=... if that is wrong)"
        )

    def prefix(self, config: Any) -> str:
        prefixes = pretrained_prefixes(config)
        return prefixes.get("summarization", "summarize: ") if prefixes else ""

    def metrics(self) -> Sequence[Metric]:
        rouge = Rouge(self.output_language, references=self.options["references"], stemming=self.options["stemming"])
        return [rouge, GeneratedText(summary=True), QualityEstimate(rouge.sentence, "rougeL"), *super().metrics()]

    baseline_name = "the first sentences of the source"

    def baseline(self, examples: Sequence[Example], seed: int) -> Callable[[Sequence[Example]], list[Prediction]]:
        lead = Lead(self.metrics()[0], self.primary_metric, self.join_chunks)
        lead.fit([example["source"] for example in examples], [example["targets"] for example in examples])
        return lambda others: text_predictions(others, lead.summarize([other["source"] for other in others]))
