"""The task ``translation``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from taskzoo.data.filters import filter_pairs
from taskzoo.data.language_columns import LANGUAGES
from taskzoo.errors import DataError
from taskzoo.languages import language_code, language_name, language_tag, refined
from taskzoo.metrics.generated import GeneratedText
from taskzoo.metrics.quality import QualityEstimate
from taskzoo.metrics.translation import TranslationScores, sentence_chrf
from taskzoo.option_names import setting_name
from taskzoo.seq2seq.pair_examples import text_predictions
from taskzoo.seq2seq.seq2seq_task import Seq2SeqTask
from taskzoo.seq2seq.sequence_format import pretrained_prefixes
from taskzoo.types import Example, Metric, Prediction, Row

from .memory import TranslationMemory

MOST_REMEMBERED = 20_000
"""Training pairs of a translation memory that nobody asked for."""


class TranslationTask(Seq2SeqTask):
    """From one language into another.

    Languages come from the options, else from the names of columns and files, else from the script of the training
    targets, which is enough to choose BLEU's tokenizer.
    """

    primary_metric = "bleu"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.source_lang, self.target_lang = options["source_lang"], options["target_lang"]
        for language in filter(None, (self.source_lang, self.target_lang)):
            language_code(language)  # refuses what is not one

    def telling_rows(self, rows: Iterable[Row]) -> list[Row] | None:
        """The first of each direction; ``None`` where ``filter`` compares all."""
        return list(_by_languages(rows).values()) if self.options["filter"] == "none" else None

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        if split != "predict":
            self._read_direction(rows)
        return super().prepare(rows, split)

    @property
    def incomplete_rows(self) -> str:
        done = {"drop": "dropped", "report": "left out"}.get(self.options["filter"], "")
        return done and f"suspicious pairs {done}: empty"

    def filter_train_rows(self, examples: Sequence[Example]) -> tuple[list[Example], dict[str, int]]:
        """With the option ``filter``, counts of the pairs that look wrong; with ``drop``, the examples without them.

        An example with several targets loses those that look wrong, and is dropped once none is left.
        """
        asked = self.options["filter"]
        if asked == "none":
            return list(examples), {}
        pairs = [(index, target) for index, example in enumerate(examples) for target in example["targets"]]
        report = filter_pairs(
            [(examples[index]["source"], target) for index, target in pairs],
            languages=(self.source_lang, self.target_lang),
        )
        done = "dropped" if asked == "drop" else "kept"
        counts = {f"suspicious pairs {done}: {reason}": count for reason, count in report.counts.items()}
        if asked == "report":
            return list(examples), counts
        good: dict[int, list[str]] = {}
        for place in report.kept:
            index, target = pairs[place]
            good.setdefault(index, []).append(target)
        return [
            Example({**examples[i].fields, "targets": kept}, examples[i].source, examples[i].line)
            for i, kept in good.items()
        ], counts

    def describe(self) -> str:
        source, target = (_shown(code) if code else "?" for code in (self.source_lang, self.target_lang))
        guessed = "" if self.target_lang or not self.output_language else self.output_language
        return f"{source} to {target}" + (f" (detected from the script: {language_name(guessed)})" if guessed else "")

    def prefix(self, config: Any) -> str:
        if not (self.source_lang and self.target_lang and pretrained_prefixes(config)):
            return ""
        return f"translate {language_name(self.source_lang)} to {language_name(self.target_lang)}: "

    def metrics(self) -> Sequence[Metric]:
        scores = TranslationScores(self.output_language, self.options["bleu_tokenize"], self.options["ter"])
        return [scores, GeneratedText(), QualityEstimate(sentence_chrf, "chrf"), *super().metrics()]

    baseline_name = "a translation memory"

    def quick_baseline_rows(self, examples: Sequence[Example]) -> int:
        return min(len(examples), MOST_REMEMBERED)

    def baseline(self, examples: Sequence[Example], seed: int) -> Callable[[Sequence[Example]], list[Prediction]]:
        memory = TranslationMemory([e["source"] for e in examples], [e["targets"][0] for e in examples])
        return lambda others: text_predictions(others, memory.translate([other["source"] for other in others]))

    def _read_direction(self, rows: Sequence[Row]) -> None:
        """Take the languages that the names of columns or files say.

        Raises:
            DataError: they contradict what is known, or each other.
        """
        named = _by_languages(rows)
        asked, known = (self.source_lang, self.target_lang), ("", "")
        for languages, row in named.items():
            if _differ(asked, languages):
                there = f"the direction is set to {_direction(asked)}; correct it with"
            elif _differ(known, languages):
                first = next(iter(named.values()))
                place = f"{Path(first.source).name}:{first.line}" if first.source else "the first rows"
                there = (
                    f"those of {place} are {_direction(known)}; leave out other languages, or set one direction with"
                )
            else:
                known = (known[0] or languages[0], known[1] or languages[1])
                continue
            raise DataError(
                f"the data are {_direction(languages)}, but {there} {setting_name('source_lang=... target_lang=...')}.",
                file=row.source,
                line=row.line,
            )
        self.source_lang, self.target_lang = (
            refined(set_ or language_code(found), [names[side] for names in named if names[side]]) if found else set_
            for side, (set_, found) in enumerate(zip(asked, known, strict=True))
        )


def _by_languages(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """The first row of each direction that rows name."""
    named: dict[tuple[str, str], Row] = {}
    for row in rows:
        if languages := row.get(LANGUAGES):
            named.setdefault(tuple(languages), row)
    return named


def _differ(known: tuple[str, str], found: tuple[str, str]) -> bool:
    """Whether two directions contradict each other; an empty language is unknown."""
    return any(a and b and language_code(a) != language_code(b) for a, b in zip(known, found, strict=True))


def _direction(languages: tuple[str, str]) -> str:
    return f"{languages[0] or '?'} to {languages[1] or '?'}"


def _shown(language: str) -> str:
    """``Chinese``, or ``Chinese (zh-TW)`` where the script or region is said."""
    tag = language_tag(language)
    return language_name(language) + (f" ({tag})" if "-" in tag else "")
