"""Scores of translations: BLEU, chrF and TER, by sacreBLEU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.languages import as_language, language_scripts
from taskzoo.types import Prediction, Score

from .base import CorpusMetric
from .pairs import text_pairs

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric as SacreMetric
    from sacrebleu.metrics.chrf import CHRF

TOKENIZERS = ("13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab")
"""Of BLEU. The last two need a package of their own; others of sacreBLEU would download a model."""

_CHARACTERS = {"ja", "ko", "th", "lo", "my", "km", "bo", "dz"}


def bleu_tokenizer(language: str) -> str:
    """The tokenizer of BLEU for text in ``language``, an ISO 639-1 code; ``""`` is unknown.

    ``zh`` for Chinese and Cantonese; ``char``, characters, for languages without spaces between words and for Korean,
    for which sacreBLEU else needs further packages; ``13a``, the WMT's, for all others.
    """
    return "zh" if _is_chinese(language) else "char" if _primary(language) in _CHARACTERS else "13a"


@cache
def _chrf() -> CHRF:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def sentence_chrf(text: str, targets: Sequence[str]) -> float:
    """The chrF of one output, from 0 to 100: sacreBLEU's ``sentence_chrf`` with its defaults."""
    return float(_chrf().sentence_score(text, list(targets)).score)


class TranslationScores(CorpusMetric):
    """``TranslationScores().compute(predictions=[{"text": "a cat"}], references=[{"targets": ["the cat"]}])``.

    BLEU (Papineni et al. 2002) and chrF (Popović 2015) from 0 to 100 and, if asked for, translation edit rate (Snover
    et al. 2006) in percent of the reference's length; all by sacreBLEU (Post 2018), equal to ``sacrebleu.corpus_bleu``,
    ``corpus_chrf`` and ``corpus_ter`` with their defaults but for the tokenizer.

    Predictions have ``text``, references ``targets``, one or more texts; rows may have unequal numbers of them. TER
    counts words between spaces; in Chinese and Japanese it is that of ``--ter-normalized --ter-asian-support``, which
    splits Han characters one by one. In Thai and other languages without spaces it is of little use. A score is NaN
    without examples.

    Args:
        language: of the translations, an ISO 639-1 code; ``""``: unknown.
        tokenize: of BLEU, one of :data:`TOKENIZERS`; ``""``: as :func:`bleu_tokenizer` says for the language.
        ter: whether to compute TER, whose search takes up to a second for a text of 60 words and ten for one of 120.

    Raises:
        RequestError: an unknown tokenizer, or one whose package is not installed.
    """

    scores = (
        Score("bleu", range=(0.0, 100.0), floor=1.0),
        Score("chrf", range=(0.0, 100.0), floor=1.0),
        Score("ter", higher_is_better=False, range=(0.0, math.inf), unit="%"),
    )

    def __init__(self, language: str = "", tokenize: str = "", ter: bool = False) -> None:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
        from sacrebleu.metrics.ter import TER

        tokenize = tokenize or bleu_tokenizer(language)
        if tokenize not in TOKENIZERS:
            raise RequestError(f"The BLEU tokenizer {tokenize!r} is not one of {', '.join(TOKENIZERS)}.")
        try:
            bleu = BLEU(tokenize=tokenize, force=True)  # force: no advice about input that looks tokenized
        except (ImportError, RuntimeError) as error:
            package = f"sacrebleu[{tokenize.split('-')[0]}]"
            raise RequestError(f"The BLEU tokenizer {tokenize!r} needs `pip install '{package}'`.") from error
        asian = _is_chinese(language) or _primary(language) == "ja"
        self._metrics: dict[str, SacreMetric] = {"bleu": bleu, "chrf": CHRF()}
        self._widths = {"bleu": 2 + 2 * bleu.max_ngram_order, "chrf": 3 * CHRF.CHAR_ORDER}
        if ter:
            self._metrics["ter"] = TER(normalized=asian, asian_support=asian)
            self._widths["ter"] = 2

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 29]``, with TER ``[examples, 31]``, float64.

        Columns: 1; of BLEU the lengths of output and nearest reference, n-grams that match and n-grams of the output
        for n = 1 to 4; of chrF n-grams of output, of the reference and matches for n = 1 to 6; of TER edits and mean
        length of the references.

        Raises:
            DataError: unequal numbers of examples, or one without a text or a target (it is named, from 0).
        """
        pairs = text_pairs(predictions, references)
        columns = [np.ones((len(pairs), 1))]
        columns += [self._collect(name, pairs) for name in self._metrics]
        return np.concatenate(columns, axis=1)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """BLEU, chrF and TER from summed statistics."""
        found = {}
        start = 1
        for name, metric in self._metrics.items():
            part = total[start : start + self._widths[name]].tolist()
            start += self._widths[name]
            found[name] = float(metric._compute_score_from_stats(part).score) if total[0] else float("nan")
        return found

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """``signatures`` of sacreBLEU by score, and of BLEU ``brevity_penalty`` and ``precisions`` for n = 1 to 4.

        The precisions are in percent, smoothed like the score; the penalty is ``None`` without examples.

        Raises:
            DataError: as :meth:`statistics`.
        """
        pairs = text_pairs(predictions, references)
        total = self._collect("bleu", pairs).sum(axis=0).tolist()
        bleu: Any = self._metrics["bleu"]._compute_score_from_stats(total)
        numbers = {len(targets) for _, targets in pairs}
        for metric in self._metrics.values():
            metric.num_refs = max(numbers) if len(numbers) == 1 else -1  # -1: it varies
        return {
            "signatures": {name: str(metric.get_signature()) for name, metric in self._metrics.items()},
            "brevity_penalty": float(bleu.bp) if pairs else None,
            "precisions": [float(precision) for precision in bleu.precisions],
        }

    def _collect(self, name: str, pairs: Sequence[tuple[str, list[str]]]) -> np.ndarray:
        """The statistics of one score, ``[examples, its width]``; sacreBLEU skips references that are ``None``."""
        if not pairs:
            return np.zeros((0, self._widths[name]))
        outputs, targets = zip(*pairs, strict=True)
        metric = self._metrics[name]
        return np.asarray(metric._extract_corpus_statistics(outputs, list(zip_longest(*targets))), dtype=np.float64)


def _is_chinese(language: str) -> bool:
    """Whether it is written in Han characters alone: Chinese, Cantonese."""
    code = as_language(_primary(language))
    return code is not None and language_scripts(code) == {"Hani"}


def _primary(language: str) -> str:
    """``zh`` of ``zh-TW`` or ``zh_CN``."""
    return language.replace("_", "-").split("-")[0].lower()
