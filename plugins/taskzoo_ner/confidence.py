"""How probable an entity is: that of exactly this span with exactly this type, summed over all that stands around it.

A sequence of tags is a Markov chain given the text, with a CRF and without one (then all valid tags weigh the same).
The probability of ``B I I`` followed by anything but ``I`` is therefore a product of one factor for each word:
:class:`Factors`. Words can be put together from several windows, and their factors with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from .crf import Scores, posterior_marginals


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


@torch.no_grad()
def tag_factors(
    logits: Tensor, mask: Tensor, scores: Scores, tags: Tensor, inside: Sequence[int]
) -> list[list[Factors]]:
    """The factors of each word of each row, for masked positions too.

    Args:
        logits: of words, ``[B, W, L]``.
        mask: which words there are, ``[B, W]``.
        scores: of pairs of tags, of first and of last ones.
        tags: label ids, int64 ``[B, W]``, any where the mask is false.
        inside: for each label the id of the one that continues its entity; -1 for none.
    """
    mask, tags = mask.to(logits.device), tags.to(logits.device)
    transitions, start, end = (part.to(logits) for part in scores)
    begins = posterior_marginals(logits, mask, (transitions, start, end)).gather(2, tags.unsqueeze(2)).squeeze(2)
    continues, ends = torch.ones_like(begins), torch.ones_like(begins)
    following = torch.tensor(inside, device=logits.device)
    beta = end.expand_as(logits[:, 0]) if logits.shape[1] else end  # [B, L]: log sum over all that follows
    for at in range(logits.shape[1] - 1, 0, -1):
        reached = transitions + (logits[:, at] + beta).unsqueeze(1)  # [B, L, L], from and to
        total = torch.logsumexp(reached, dim=2)
        before = tags[:, at - 1, None]  # [B, 1]
        chances = torch.softmax(reached.gather(1, before.unsqueeze(2).expand(-1, 1, reached.shape[2])), dim=2)[:, 0]
        inner = following[before]
        goes_on = torch.where(inner >= 0, chances.gather(1, inner.clamp(min=0)), 0.0).squeeze(1)
        continues[:, at] = chances.gather(1, tags[:, at, None]).squeeze(1)
        ends[:, at - 1] = torch.where(mask[:, at], 1.0 - goes_on, 1.0)
        beta = torch.where(mask[:, at, None], total, beta)
    rows = torch.stack([begins, continues, ends], dim=2).tolist()
    return [[Factors(*word) for word in row] for row in rows]
