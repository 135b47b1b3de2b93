"""The task ``translation``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from taskzoo import Row
from taskzoo.data.filters import filter_pairs
from taskzoo.data.languages import language_code, language_name, script_language
from taskzoo.data.readers import LANGUAGES
from taskzoo.errors import DataError
from taskzoo.metrics.generated import GeneratedText
from taskzoo.metrics.translation import TranslationScores
from taskzoo.task import Metric
from taskzoo.text2text.form import pretrained_prefix
from taskzoo.text2text.task import Text2TextTask

from .memory import TranslationMemory

UNSPACED = {"zh", "ja", "th"}


class Translating:
    """From one language into another (see :class:`~taskzoo.text2text.task.Purpose`).

    Languages come from the options, else from what columns and files are called, else from the script of the training
    targets, which is enough to choose the tokenizer of BLEU.
    """

    primary_metric = "bleu"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.languages = (_known(options["source"]), _known(options["target"]))
        self._written = ""

    def read(self, rows: Sequence[Row], split: str) -> None:
        for row in rows:
            named = row.get(LANGUAGES)
            if not named or split == "predict":
                continue
            found = tuple(old or new for old, new in zip(self.languages, named, strict=True))
            for old, new in zip(self.languages, named, strict=True):
                if old and new and language_code(old) != language_code(new):
                    raise DataError(
                        f"the columns are {named[0]} to {named[1]}, and the direction is {self.languages[0] or '?'} to "
                        f"{self.languages[1] or '?'}; say which with --set source=... target=...",
                        file=row.source,
                        line=row.line,
                    )
            self.languages = (found[0], found[1])
            break

    def fit(self, rows: Sequence[Row]) -> None:
        target = self.languages[1]
        self._written = language_code(target) if target else script_language(t for r in rows for t in r["targets"])

    def describe(self) -> str:
        source, target = (language_name(code) if code else "?" for code in self.languages)
        guessed = "" if self.languages[1] or not self._written else f" (by its script {language_name(self._written)})"
        return f"{source} to {target}{guessed}"

    def prefix(self, config: Any) -> str:
        return pretrained_prefix(config, "translation", self.languages)

    def joined(self, texts: Sequence[str]) -> str:
        return ("" if self._written in UNSPACED else " ").join(texts)

    def metrics(self) -> Sequence[Metric]:
        return [TranslationScores(self._written, self.options["bleu_tokenize"]), GeneratedText()]

    def baseline(self, rows: Sequence[Row], seed: int) -> Callable[[Sequence[Row]], list[str]]:
        memory = TranslationMemory([row["source"] for row in rows], [row["targets"][0] for row in rows])
        return lambda others: memory.translate([row["source"] for row in others])

    def state(self) -> dict[str, Any]:
        return {"languages": list(self.languages), "written": self._written}

    def restore(self, state: Mapping[str, Any]) -> None:
        source, target = state["languages"]
        self.languages, self._written = (source, target), state["written"]


class TranslationTask(Text2TextTask):
    """Translates."""

    purpose_class = Translating

    def sift(self, rows: Sequence[Row]) -> tuple[list[Row], dict[str, int]]:
        """With the option ``filter``, counts of the pairs that look wrong, and with ``drop`` the rows without them.

        A row with several targets loses those that look wrong, and goes once none is left.
        """
        asked = self.options["filter"]
        if asked == "none":
            return list(rows), {}
        pairs = [(index, target) for index, row in enumerate(rows) for target in row["targets"]]
        report = filter_pairs([(rows[i]["source"], target) for i, target in pairs], languages=self.purpose.languages)
        done = "dropped" if asked == "drop" else "kept"
        counts = {f"pairs look wrong and are {done}: {reason}": count for reason, count in report.counts.items()}
        if asked == "report":
            return list(rows), counts
        good: dict[int, list[str]] = {}
        for place in report.kept:
            index, target = pairs[place]
            good.setdefault(index, []).append(target)
        return [
            Row({**rows[i].fields, "targets": kept}, rows[i].source, rows[i].line) for i, kept in good.items()
        ], counts


def _known(language: str) -> str:
    """``language`` as it was given, once it is known to be one.

    Raises:
        UnknownNameError: no such language, with the nearest.
    """
    if language:
        language_code(language)
    return language
