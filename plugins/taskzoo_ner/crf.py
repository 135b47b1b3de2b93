"""A linear-chain conditional random field, and decoding under constraints for any head.

Lafferty, McCallum & Pereira (2001), "Conditional random fields"; as the last layer of a neural tagger: Lample et al.
(2016), "Neural architectures for named entity recognition". Forward-backward and Viterbi follow Rabiner (1989), in
log space.

Shapes: ``B`` rows, ``T`` positions, ``L`` labels. A mask is boolean, ``[B, T]``, and true on the first positions
of each row and nowhere else (this is not checked, to spare a device synchronisation). Values at padded positions
have no influence, and a row may have length 0. ``transitions[i, j]`` is the score of label ``i`` followed by ``j``.
All sums are in float32, also under autocast and for half-precision inputs (float64 stays float64).

Arguments: ``emissions`` are scores of labels, ``[B, T, L]``; ``mask`` holds the valid positions; ``scores`` are those
of pairs of labels, of first labels and of last ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FORBIDDEN = -1e9
"""The score of a forbidden step: finite, so that no sum of scores becomes NaN."""

Scores = tuple[Tensor, Tensor, Tensor]
"""``(transitions [L, L], start [L], end [L])``."""


def iob2_constraints(labels: Sequence[str]) -> Scores:
    """Scores that allow valid IOB2 only: 0 where a step is allowed, :data:`FORBIDDEN` elsewhere, float32 on the CPU.

    ``I-X`` may follow ``B-X`` and ``I-X`` only, and no sentence begins with it. Everything may end a sentence.

    Args:
        labels: label names in the order of their ids.

    Raises:
        ValueError: a label that is not ``O``, ``B-TYPE`` or ``I-TYPE``.
    """
    for label in labels:
        if label != "O" and not (label[:2] in ("B-", "I-") and len(label) > 2):
            raise ValueError(f"{label!r} is not an IOB2 label: expected O, B-TYPE or I-TYPE.")
    transitions = torch.zeros(len(labels), len(labels))
    start = torch.zeros(len(labels))
    for to, label in enumerate(labels):
        if label.startswith("I-"):
            start[to] = FORBIDDEN
            for origin, before in enumerate(labels):
                if before not in (label, f"B-{label[2:]}"):
                    transitions[origin, to] = FORBIDDEN
    return transitions, start, torch.zeros(len(labels))


@torch.no_grad()
def viterbi_decode(emissions: Tensor, mask: Tensor, scores: Scores) -> list[list[int]]:
    """The best label sequence of each row: ids, as many as the row's mask; none for a row of length 0."""
    with torch.autocast(emissions.device.type, enabled=False):
        emissions, mask, (transitions, start, end) = _prepare(emissions, mask, scores)
        rows, steps, size = emissions.shape
        if rows == 0 or steps == 0:
            return [[] for _ in range(rows)]
        same = torch.arange(size, device=emissions.device).expand(rows, size)
        score = start + emissions[:, 0]  # [B, L]: the best path that ends in each label
        origins = []  # [B, L] each: where that path came from
        for step in range(1, steps):
            best, origin = (score.unsqueeze(2) + transitions).max(dim=1)
            valid = mask[:, step, None]
            score = torch.where(valid, best + emissions[:, step], score)
            origins.append(torch.where(valid, origin, same))  # padding passes the label through
        label = (score + end).argmax(dim=1, keepdim=True)  # [B, 1]
        path = [label]
        for origin in reversed(origins):
            label = origin.gather(1, label)
            path.append(label)
        labels = torch.cat(path[::-1], dim=1).tolist()
        lengths = mask.sum(dim=1).tolist()
    return [row[:length] for row, length in zip(labels, lengths, strict=True)]


def posterior_marginals(emissions: Tensor, mask: Tensor, scores: Scores) -> Tensor:
    """The probability of each label at each position, given the whole row (forward-backward).

    Returns:
        ``[B, T, L]``, float32 or float64; sums to 1 over labels at valid positions, 0 at padded ones.
    """
    with torch.autocast(emissions.device.type, enabled=False):
        emissions, mask, (transitions, start, end) = _prepare(emissions, mask, scores)
        steps = emissions.shape[1]
        if steps == 0:
            return emissions
        forward = torch.stack(_forward(emissions, mask, transitions, start), dim=1)  # [B, T, L]
        beta = end.expand_as(emissions[:, 0])  # [B, L]: log sum over everything after this position
        backward = [beta]
        for step in range(steps - 1, 0, -1):
            following = (emissions[:, step] + beta).unsqueeze(1)  # [B, 1, L]
            beta = torch.where(mask[:, step, None], torch.logsumexp(transitions + following, dim=2), beta)
            backward.append(beta)
        total = forward + torch.stack(backward[::-1], dim=1)
        return torch.softmax(total, dim=2).masked_fill(~mask.unsqueeze(2), 0.0)


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
