"""Generation with torch: the call of ``generate`` that uses the settings."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from taskzoo.types import Batch

from .generation_settings import generation_settings, own_settings
from .logits import Sampling, UnpaddedNGrams
from .sequence_format import SequenceFormat

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel

SEQUENCES = 256
"""Texts that are generated at once, each beam counted."""
FIRST_PART = 8
"""Tokens after which rows that have ended leave a batch for the first time."""


def generation_config(
    options: Mapping[str, Any], form: SequenceFormat, own: Any, *, longest_target: int
) -> GenerationConfig:
    """:func:`~.generation_settings.generation_settings` for ``generate``.

    Args:
        options: of the task.
        form: of the checkpoint.
        own: the checkpoint's ``GenerationConfig``.
        longest_target: tokens of the longest training target, which sets the limit where no option does.

    Raises:
        RequestError: more tokens are asked for than the model can generate.
    """
    from transformers import GenerationConfig

    return GenerationConfig(**generation_settings(options, form, own_settings(own), longest_target=longest_target))


@torch.no_grad()
def generate_ids(
    model: PreTrainedModel, batch: Batch, config: GenerationConfig, *, seed: int = 0
) -> list[list[int] | None]:
    """The token ids that ``model`` generates for each feature; ``None`` where none are wanted.

    The end token is included where it came. ``config`` should be the model's own as well, from which ``transformers``
    takes whatever it leaves open.

    Features of a batch are independent, so each gets what ``model.generate`` gives for it alone, to rounding: padding
    is masked on both sides, positions are counted from the mask, and sampling draws for each what it would draw for it
    alone after ``torch.manual_seed(seed)``. Other draws are not disturbed.
    """
    targets = batch.targets
    result: list[list[int] | None] = [None] * len(targets["generate"])
    beams = int(config.num_beams or 1)
    at_once = 1 if beams > 1 and config.do_sample else max(1, SEQUENCES // beams)
    for places in targets["generate"].nonzero().flatten().split(at_once):
        ids, mask = targets["prompt_ids"][places], targets["prompt_mask"][places]
        used = mask.any(0)
        search = _generate_beams if beams > 1 else _generate_step_by_step
        for place, row in zip(places.tolist(), search(model, ids[:, used], mask[:, used], config, seed), strict=True):
            result[place] = _until_end(row, config)
    return result


def _generate_beams(
    model: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor, config: GenerationConfig, seed: int
) -> list[list[int]]:
    """By beam search; with sampling, which draws from the process's generator, for one source."""
    start = 1 if model.config.is_encoder_decoder else ids.shape[1]
    with torch.random.fork_rng(devices=[ids.device] if ids.is_cuda else [], enabled=bool(config.do_sample)):
        if config.do_sample:
            torch.manual_seed(seed)
        generated: list[list[int]] = _call(model, ids, mask, config)[:, start:].tolist()
    return generated


def _generate_step_by_step(
    model: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor, config: GenerationConfig, seed: int
) -> list[list[int]]:
    """One token after another; rows which have come to their end leave the batch after 8, 16, 32 ... tokens.

    Else a whole batch would wait for its longest row. The rows that stay are encoded again with what they have
    generated, all positions at once, which is little work compared with a step for every token. Settings that count
    from the first token are moved on; each has a value of its own, since ``transformers`` fills ``None`` from the
    model's settings, which hold for the whole.
    """
    decoder = not model.config.is_encoder_decoder
    generated: list[list[int]] = [[] for _ in ids]
    rows = torch.arange(len(ids), device=ids.device)  # those that have not ended
    prefix: torch.Tensor | None = None  # what they have generated, for an encoder-decoder with its start token
    settings, processors = copy.copy(config), []
    if config.do_sample:
        processors = [Sampling(config, seed, ids.device)]
        settings.update(do_sample=False, temperature=1.0, top_k=50, top_p=1.0)
    done, limit = 0, int(config.max_new_tokens or 0)
    first = FIRST_PART if len(ids) > 1 else limit
    while done < limit and len(rows):
        settings.max_new_tokens = min(limit, max(first, 2 * done)) - done
        settings.min_new_tokens = min(settings.max_new_tokens, max(0, (config.min_new_tokens or 0) - done))
        more = {} if decoder or prefix is None else {"decoder_input_ids": prefix}
        found = _call(model, ids, mask, settings, processors, **more)
        new = found[:, ids.shape[1] if decoder else done + 1 :]
        for row, tokens in zip(rows.tolist(), new.tolist(), strict=True):
            generated[row] += tokens
        stay = ~(new == config.eos_token_id).any(1)
        done += new.shape[1]
        rows, mask = rows[stay], mask[stay]
        if decoder:
            ids = found[stay]
            mask = torch.cat([mask, mask.new_ones(len(mask), new.shape[1])], 1)
        else:
            ids, prefix = ids[stay], found[stay]
        if config.begin_suppress_tokens:
            settings.begin_suppress_tokens = []
    return generated


def _call(
    model: PreTrainedModel,
    ids: torch.Tensor,
    mask: torch.Tensor,
    settings: GenerationConfig,
    processors: Sequence[LogitsProcessor] = (),
    **more: Any,
) -> torch.Tensor:
    """``generate``; n-grams of a padded prompt are those of the prompt alone."""
    if settings.no_repeat_ngram_size and not mask.all() and not model.config.is_encoder_decoder:
        unpadded = UnpaddedNGrams(settings.no_repeat_ngram_size, (mask == 0).sum(1).tolist())
        settings, processors = copy.copy(settings), [unpadded, *processors]
        settings.no_repeat_ngram_size = 0
    asked: Any = {"generation_config": settings, "logits_processor": LogitsProcessorList(processors)}
    found: Any = model.generate(input_ids=ids, attention_mask=mask, **asked, **more)
    return torch.as_tensor(found)


def _until_end(ids: Sequence[int], config: GenerationConfig) -> list[int]:
    """Up to and with the end token; what follows is padding."""
    end = config.eos_token_id
    return list(ids[: ids.index(end) + 1]) if end in ids else list(ids)
