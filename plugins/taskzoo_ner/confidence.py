"""How probable an entity is: that of exactly this span with exactly this type, summed over all that stands around it.

A sequence of tags is a Markov chain given the text, with a CRF and without one (then all valid tags weigh the same).
The probability of ``B I I`` followed by anything but ``I`` is therefore a product of one factor for each word:
:class:`Factors`. Words can be put together from several windows, and their factors with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from .chain import Scores, backward_sums, log_sum, posterior_marginals


class Factors(NamedTuple):
    """Of one word with its tag.

    Args:
        begins: probability of the tag.
        continues: probability of the tag, given the tag of the word before it.
        ends: probability that an entity ends with this word, given its tag.
    """

    begins: float = 1.0
    continues: float = 1.0
    ends: float = 1.0


def span_probability(factors: Sequence[Factors]) -> float:
    """The probability of the entity that these words form."""
    return factors[0].begins * prod(word.continues for word in factors[1:]) * factors[-1].ends


def tag_factors(
    logits: np.ndarray, mask: np.ndarray, scores: Scores, tags: np.ndarray, inside: Sequence[int]
) -> list[list[Factors]]:
    """The factors of each word of each row, for masked positions too.

    Args:
        logits: of words, ``[B, W, L]``.
        mask: which words there are, ``[B, W]``.
        scores: of pairs of tags, of first and of last ones.
        tags: label ids ``[B, W]``, any where the mask is false.
        inside: for each label the id of the one that continues its entity; -1 for none.
    """
    transitions, following = scores[0], np.asarray(inside)
    marginals = posterior_marginals(logits, mask, scores)
    begins = np.take_along_axis(marginals, tags[:, :, None], axis=2)[:, :, 0]
    continues, ends = np.ones_like(begins), np.ones_like(begins)
    beta, rows = backward_sums(logits, mask, scores), np.arange(len(logits))
    for at in range(1, logits.shape[1]):
        before, valid = tags[:, at - 1], mask[:, at]
        reached = transitions[before] + np.where(valid[:, None], logits[:, at], 0.0) + beta[at]  # [B, L]
        chances = np.exp(reached - log_sum(reached, axis=1)[:, None])
        inner = following[before]
        goes_on = np.where(inner >= 0, chances[rows, np.maximum(inner, 0)], 0.0)
        continues[:, at] = chances[rows, tags[:, at]]
        ends[:, at - 1] = np.where(valid, 1.0 - goes_on, 1.0)
    factors = np.stack([begins, continues, ends], axis=2).tolist()
    return [[Factors(*word) for word in row] for row in factors]
