"""The task ``summarization``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from taskzoo import Row
from taskzoo.data.languages import language_code, language_name, main_script, script_language
from taskzoo.metrics.generated import GeneratedText
from taskzoo.metrics.summaries import Rouge
from taskzoo.task import Metric
from taskzoo.text2text.form import pretrained_prefix
from taskzoo.text2text.task import Text2TextTask

from .lead import Lead

UNSPACED = {"zh", "ja", "th"}
SAMPLE = 200


class Summarizing:
    """Shorter, in the same language (see :class:`~taskzoo.text2text.task.Purpose`)."""

    primary_metric = "rougeL"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        language = options["language"]
        if language:
            language_code(language)
        self.languages = (language, language)
        self._written = ""

    def read(self, rows: Sequence[Row], split: str) -> None:
        """Rows say nothing of their language."""

    def fit(self, rows: Sequence[Row]) -> None:
        if self.languages[1]:
            self._written = language_code(self.languages[1])
            return
        targets = [target for row in rows for target in row["targets"]]
        self._written = script_language(targets)
        if not self._written and main_script(" ".join(targets[:SAMPLE])) == "Latn":
            self._written = "en"  # for ROUGE, whose reference implementation reads Latin letters as English

    def describe(self) -> str:
        said = "" if self.languages[1] else " (by their script; set language=... if that is wrong)"
        return f"summaries in {language_name(self._written) if self._written else 'an unknown language'}{said}"

    def prefix(self, config: Any) -> str:
        return pretrained_prefix(config, "summarization")

    def joined(self, texts: Sequence[str]) -> str:
        return ("" if self._written in UNSPACED else " ").join(texts)

    def metrics(self) -> Sequence[Metric]:
        rouge = Rouge(self._written, references=self.options["references"], stemming=self.options["stemming"])
        return [rouge, GeneratedText(summary=True)]

    def baseline(self, rows: Sequence[Row], seed: int) -> Callable[[Sequence[Row]], list[str]]:
        lead = Lead(self.metrics()[0], self.joined)
        lead.fit([row["source"] for row in rows], [row["targets"] for row in rows])
        return lambda others: lead.summarize([row["source"] for row in others])

    def state(self) -> dict[str, Any]:
        return {"written": self._written}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._written = state["written"]


class SummarizationTask(Text2TextTask):
    """Summarizes."""

    purpose_class = Summarizing
