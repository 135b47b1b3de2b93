"""Training only the rows of the embedding table that the data use.

A row whose token occurs in no training example never gets a gradient, yet a dense optimizer step reads and writes
it, its gradient and its two moments: for a multilingual vocabulary that is most of the model. While training, the
table therefore holds the used rows only. The function computed is the same; the one difference from a dense step is
that weight decay does not shrink rows that nothing trains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from taskzoo.data.features import StoredFeatures
from taskzoo.errors import PluginError
from taskzoo.task import Task
from taskzoo.types import Feature

from .session import Session

WORTHWHILE = 0.8
"""Above this share of used rows the table stays as it is."""


def trainable_table(model: PreTrainedModel) -> nn.Embedding | None:
    """The input embedding, if it is a plain, trainable table that no other module shares (else ``None``)."""
    try:
        table = model.get_input_embeddings()
    except NotImplementedError:  # a model that reads no tokens
        return None
    if type(table) is not nn.Embedding or not table.weight.requires_grad or table.max_norm is not None:
        return None
    owners = sum(p is table.weight for module in model.modules() for p in module.parameters(recurse=False))
    return table if owners == 1 else None


def compact_table(session: Session) -> AbstractContextManager[Any]:
    """The context in which ``session`` is trained: with :func:`used_rows_only`, if the settings and the model allow.

    A decoder reads what it generates, and any token may be among that, so its table stays whole; so does one that is
    divided over processes.
    """
    task, model, settings = session.task, session.model, session.settings
    decodes = task.generates and not model.config.is_encoder_decoder
    if not settings.compact_embeddings or settings.fsdp or decodes:
        return nullcontext()
    splits = [session.encoded[split].features for split in ("train", "validation") if split in session.encoded]
    used = {i for features in (*splits, session.unlabelled) for i in used_tokens(task, features)}
    if isinstance(session.processor, PreTrainedTokenizerBase):
        used.update(session.processor.all_special_ids)
    return used_rows_only(model, used)


def used_tokens(task: Task, features: Sequence[Feature]) -> Iterable[int]:
    """All tokens of the features."""
    if isinstance(features, StoredFeatures):
        return features.token_ids
    return (i for feature in features for i in task.token_ids(feature))


@contextmanager
def used_rows_only(model: PreTrainedModel, token_ids: Iterable[int]) -> Iterator[int]:
    """Within the context, ``model`` embeds ``token_ids`` (and the pad token) from a table of just these rows.

    Yields the number of rows, 0 where the table is left alone. On leaving, the full table is back, with the trained
    rows in their places. A forward pass that meets another token is a :class:`PluginError`, never a wrong vector. On a
    GPU, which would have to wait for the answer at each step, it is asked for after the first pass, in evaluations and
    on leaving the context without an error.
    """
    table = trainable_table(model)
    if table is None:
        yield 0
        return
    full, rows, padding = table.weight, table.num_embeddings, table.padding_idx
    wanted = {i for i in (*token_ids, padding) if i in range(rows)}  # a separate vocabulary of targets may be larger
    if len(wanted) > WORTHWHILE * rows:
        yield 0
        return
    used = torch.tensor(sorted(wanted), device=full.device)
    places = torch.full((rows,), -1, device=used.device)
    places[used] = torch.arange(len(used), device=used.device)
    table.weight = nn.Parameter(full.detach()[used])
    table.num_embeddings = len(used)
    table.padding_idx = None if padding is None else int(places[padding])

    unknown = _UnknownTokens(used.device)

    def find(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        found = places.to(inputs[0].device)[inputs[0]]
        if inputs[0].device.type == "cuda":
            unknown.note(inputs[0], found, at_once=not module.training)
            found = found.clamp(min=0)
        elif (found < 0).any():
            unknown.refuse(int(inputs[0][found < 0][0]))
        return (found, *inputs[1:])

    hook = table.register_forward_pre_hook(find)
    try:
        yield len(used)
        unknown.look()
    finally:
        hook.remove()
        with torch.no_grad():
            full[used.to(full.device)] = table.weight.detach().to(full)
        table.weight, table.num_embeddings, table.padding_idx = full, rows, padding


class _UnknownTokens:
    """Tokens that are not in the table, remembered on a GPU until there is time to ask."""

    def __init__(self, device: torch.device) -> None:
        self._highest = torch.full((), -1, device=device)
        self._asked = False

    def note(self, ids: torch.Tensor, found: torch.Tensor, *, at_once: bool) -> None:
        """Remember those of ``ids`` whose place in the table is negative in ``found``; the first time, look at once."""
        highest = torch.where(found < 0, ids, -1).amax()
        self._highest = torch.maximum(self._highest.to(highest), highest)
        if at_once or not self._asked:
            self._asked = True
            self.look()

    def look(self) -> None:
        """Refuse what has been noted."""
        if (token := int(self._highest)) >= 0:
            self.refuse(token)

    def refuse(self, token: int) -> None:
        raise PluginError(
            f"The model was given token {token}, which no feature of the task names. Token ids stand under names that "
            "end in 'ids', or the task says them in token_ids(); else set compact_embeddings=false."
        )
