"""How probable a model finds what it generated: the mean log-probability of its tokens.

It is computed by one further pass over source and output, and so means the same for every search: the plain model's
own probability, before beams, n-gram blocking or temperature. Divided by the number of tokens, outputs of different
lengths can be compared (Fomicheva et al. 2020, "Unsupervised quality estimation for neural machine translation").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from taskzoo.models.vocabulary import HiddenStates
from taskzoo.models.vocabulary_loss import CHUNK_BYTES
from taskzoo.types import IGNORE_INDEX, Batch

from .exported_generator import batch_sources
from .pair_collator import pad
from .sequence_format import SequenceFormat


def scoring_batch(batch: Batch, generated: Sequence[list[int] | None], form: SequenceFormat) -> Batch:
    """Source and output of each feature that has one, as for the loss; a token that was forced does not count."""
    chosen = [(place, ids) for place, ids in enumerate(generated) if ids]
    device = batch.targets["prompt_ids"].device
    sources = batch_sources(batch)
    prompts = [sources[place] for place, _ in chosen]
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
    moved = {name: torch.from_numpy(value).to(device) for name, value in {**inputs, "labels": labels}.items()}
    return Batch({name: moved[name] for name in inputs}, {"labels": moved["labels"]})


@torch.no_grad()
def token_log_probabilities(outputs: HiddenStates | torch.Tensor, labels: torch.Tensor) -> list[list[float]]:
    """The log-probabilities of the labels of each row, in nats; ``IGNORE_INDEX`` does not count.

    Args:
        outputs: logits ``[B, T, V]``, or the hidden states before them; that at a position is for the label there.
        labels: ``[B, T]``.
    """
    states = outputs.states if isinstance(outputs, HiddenStates) else outputs
    vocabulary = outputs.weight.shape[0] if isinstance(outputs, HiddenStates) else states.shape[-1]
    rows, places = (labels != IGNORE_INDEX).nonzero().unbind(1)
    size = max(1, CHUNK_BYTES // (4 * vocabulary))
    found: list[list[float]] = [[] for _ in labels]
    for row, place in zip(torch.split(rows, size), torch.split(places, size), strict=True):
        part = states[row, place]
        logits = _logits(outputs, part) if isinstance(outputs, HiddenStates) else part.float()
        wanted = logits.gather(1, labels[row, place, None]).squeeze(1)
        for index, value in zip(row.tolist(), (wanted - logits.logsumexp(1)).tolist(), strict=True):
            found[index].append(value)
    return found


def _logits(hidden: HiddenStates, states: torch.Tensor) -> torch.Tensor:
    """Of some of the states, ``[N, V]`` in float32."""
    with torch.autocast(states.device.type, enabled=False):
        dtype = hidden.dtype or hidden.weight.dtype
        bias = None if hidden.bias is None else hidden.bias.to(dtype)
        return torch.nn.functional.linear(states.to(dtype), hidden.weight.to(dtype), bias).float()
