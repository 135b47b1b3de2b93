"""A linear-chain conditional random field as it is trained; :mod:`.chain` decodes.

Lafferty, McCallum & Pereira (2001), "Conditional random fields"; as the last layer of a neural tagger: Lample et al.
(2016), "Neural architectures for named entity recognition". The forward algorithm follows Rabiner (1989), in log space.

Shapes: ``B`` rows, ``T`` positions, ``L`` labels. A mask is boolean, ``[B, T]``, and true on the first positions
of each row and nowhere else (this is not checked, to spare a device synchronisation). Values at padded positions
have no influence, and a row may have length 0. ``transitions[i, j]`` is the score of label ``i`` followed by ``j``.
All sums are in float32, also under autocast and for half-precision inputs (float64 stays float64).

Arguments: ``emissions`` are scores of labels, ``[B, T, L]``; ``mask`` holds the valid positions; ``scores`` are those
of pairs of labels, of first labels and of last ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

Scores = tuple[Tensor, Tensor, Tensor]
"""``(transitions [L, L], start [L], end [L])``."""


def log_likelihood(emissions: Tensor, tags: Tensor, mask: Tensor, scores: Scores) -> Tensor:
    """The log probability of each row's tags, natural logarithm, by the forward algorithm.

    ``tags`` are label ids, int64 ``[B, T]``, with any value where the mask is false.

    Returns:
        ``[B]``, float32 or float64, not above 0 (but for rounding); 0 for a row of length 0.
    """
    with torch.autocast(emissions.device.type, enabled=False):
        emissions, mask, (transitions, start, end) = _prepare(emissions, mask, scores)
        if emissions.shape[1] == 0:
            return emissions.sum(dim=(1, 2))
        tags = tags.masked_fill(~mask, 0)
        total = torch.logsumexp(_forward(emissions, mask, transitions, start)[-1] + end, dim=1)

        steps = transitions[tags[:, :-1], tags[:, 1:]].masked_fill(~mask[:, 1:], 0.0)  # [B, T - 1]
        chosen = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)  # [B, T], 0 at padding
        last = tags.gather(1, (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)).squeeze(1)
        score = start[tags[:, 0]] + chosen.sum(dim=1) + steps.sum(dim=1) + end[last]
        return (score - total).masked_fill(~mask[:, 0], 0.0)


def log_partition(emissions: Tensor, mask: Tensor, scores: Scores) -> Tensor:
    """The log sum over all sequences of labels of each row, ``[B]``; every row has a position."""
    with torch.autocast(emissions.device.type, enabled=False):
        emissions, mask, (transitions, start, end) = _prepare(emissions, mask, scores)
        return torch.logsumexp(_forward(emissions, mask, transitions, start)[-1] + end, dim=1)


class LinearChainCrf(nn.Module):
    """Learned scores of label pairs and of first and last labels, uniform in (-0.1, 0.1) at first.

    Args:
        num_labels: ``L``.
    """

    def __init__(self, num_labels: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.empty(num_labels, num_labels))
        self.start = nn.Parameter(torch.empty(num_labels))
        self.end = nn.Parameter(torch.empty(num_labels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all scores anew."""
        for parameter in (self.transitions, self.start, self.end):
            nn.init.uniform_(parameter, -0.1, 0.1)

    def forward(self) -> Scores:
        """The learned scores as they are, for a loss that is computed elsewhere."""
        return self.transitions, self.start, self.end


def _prepare(emissions: Tensor, mask: Tensor, scores: Scores) -> tuple[Tensor, Tensor, Scores]:
    """Everything on one device and in one type, at least float32; emissions 0 where the mask is false."""
    dtype = torch.promote_types(emissions.dtype, torch.float32)
    mask = mask.to(emissions.device).bool()
    emissions = emissions.to(dtype).masked_fill(~mask.unsqueeze(2), 0.0)
    transitions, start, end = (part.to(emissions) for part in scores)
    return emissions, mask, (transitions, start, end)


def _forward(emissions: Tensor, mask: Tensor, transitions: Tensor, start: Tensor) -> list[Tensor]:
    """Forward log sums, one ``[B, L]`` per position; at padded positions those of the last valid one."""
    alpha = start + emissions[:, 0]
    alphas = [alpha]
    for step in range(1, emissions.shape[1]):
        reached = torch.logsumexp(alpha.unsqueeze(2) + transitions, dim=1) + emissions[:, step]
        alpha = torch.where(mask[:, step, None], reached, alpha)
        alphas.append(alpha)
    return alphas
