"""How probable a model finds what it generated: the mean log-probability of its tokens.

It is computed by one further pass over source and output, and so means the same for every search: the plain model's
own probability, before beams, n-gram blocking or temperature. Divided by the number of tokens, outputs of different
lengths can be compared (Fomicheva et al. 2020, "Unsupervised quality estimation for neural machine translation").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from taskzoo.models.vocabulary import HiddenStates
from taskzoo.models.vocabulary_loss import CHUNK_BYTES
from taskzoo.types import IGNORE_INDEX, Batch

from .pair_collator import pad
from .sequence_format import SequenceFormat


class Output(NamedTuple):
    """What was generated for one source, or for a chunk of it.

    Args:
        text: decoded.
        cut: whether the length limit ended it.
        log_probability: the sum over its tokens, in nats.
        tokens: their number, the end included.
    """

    text: str
    cut: bool
    log_probability: float
    tokens: int


def mean_log_probability(outputs: Sequence[Output]) -> float | None:
    """Per token over all chunks of a source; ``None`` without any."""
    tokens = sum(output.tokens for output in outputs)
    return sum(output.log_probability for output in outputs) / tokens if tokens else None


def scoring_batch(batch: Batch, generated: Sequence[list[int] | None], form: SequenceFormat) -> Batch:
    """Source and output of each feature that has one, as for the loss; a token that was forced does not count."""
    chosen = [(place, ids) for place, ids in enumerate(generated) if ids]
    device = batch.targets["prompt_ids"].device
    prompts = [
        batch.targets["prompt_ids"][place][batch.targets["prompt_mask"][place].bool()].tolist() for place, _ in chosen
    ]
    targets = [ids for _, ids in chosen]
    counted = [[IGNORE_INDEX, *ids[1:]] if form.forced is not None else ids for ids in targets]
    if form.kind == "decoder":
        ids, mask = pad([p + t for p, t in zip(prompts, targets, strict=True)], form.pad)
        inputs = {"input_ids": ids, "attention_mask": mask}
        counted = [[IGNORE_INDEX] * len(p) + t for p, t in zip(prompts, counted, strict=True)]
    else:
        ids, mask = pad(prompts, form.pad)
        shifted, _ = pad([[form.start, *target[:-1]] for target in targets], form.pad)
        inputs = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": shifted}
    labels = pad(counted, IGNORE_INDEX)[0]
    return Batch({name: value.to(device) for name, value in inputs.items()}, {"labels": labels.to(device)})


@torch.no_grad()
def log_probabilities(outputs: HiddenStates | torch.Tensor, labels: torch.Tensor) -> list[tuple[float, int]]:
    """For each row the summed log-probability of its labels and their number; ``IGNORE_INDEX`` does not count.

    Args:
        outputs: logits ``[B, T, V]``, or the hidden states before them; that at a position is for the label there.
        labels: ``[B, T]``.
    """
    states = outputs.states if isinstance(outputs, HiddenStates) else outputs
    vocabulary = outputs.weight.shape[0] if isinstance(outputs, HiddenStates) else states.shape[-1]
    active = (labels != IGNORE_INDEX).nonzero()
    rows, places = active.unbind(1)
    sums = torch.zeros(len(labels), dtype=torch.float64, device=labels.device)
    size = max(1, CHUNK_BYTES // (4 * vocabulary))
    for start in range(0, len(active), size):
        row, place = rows[start : start + size], places[start : start + size]
        part = states[row, place]
        logits = _logits(outputs, part) if isinstance(outputs, HiddenStates) else part.float()
        wanted = logits.gather(1, labels[row, place, None]).squeeze(1)
        sums.index_add_(0, row, (wanted - logits.logsumexp(1)).double())
    return list(zip(sums.tolist(), torch.bincount(rows, minlength=len(labels)).tolist(), strict=True))


def _logits(hidden: HiddenStates, states: torch.Tensor) -> torch.Tensor:
    """Of some of the states, ``[N, V]`` in float32."""
    with torch.autocast(states.device.type, enabled=False):
        dtype = hidden.dtype or hidden.weight.dtype
        bias = None if hidden.bias is None else hidden.bias.to(dtype)
        return torch.nn.functional.linear(states.to(dtype), hidden.weight.to(dtype), bias).float()
