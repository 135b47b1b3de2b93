"""Training only the rows of the embedding table that the data use.

A row whose token occurs in no training example never gets a gradient, yet a dense optimizer step reads and writes
it, its gradient and its two moments: for a multilingual vocabulary that is most of the model. While training, the
table therefore holds the used rows only. The function computed is the same; the one difference from a dense step is
that weight decay does not shrink rows that nothing trains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedModel

WORTHWHILE = 0.8
"""Above this share of used rows the table stays as it is."""


def trainable_table(model: PreTrainedModel) -> nn.Embedding | None:
    """The input embedding, if it is a plain, trainable table that no other module shares (else ``None``)."""
    table = model.get_input_embeddings()
    if type(table) is not nn.Embedding or not table.weight.requires_grad or table.max_norm is not None:
        return None
    owners = sum(p is table.weight for module in model.modules() for p in module.parameters(recurse=False))
    return table if owners == 1 else None


@contextmanager
def used_rows_only(model: PreTrainedModel, token_ids: Iterable[int]) -> Iterator[int]:
    """Within the context, ``model`` embeds ``token_ids`` (and the pad token) from a table of just these rows.

    Yields the number of rows, 0 where the table is left alone. On leaving, the full table is back, with the trained
    rows in their places. A token outside ``token_ids`` raises an ``IndexError``, never a wrong vector.
    """
    table = trainable_table(model)
    if table is None:
        yield 0
        return
    wanted = {i for i in token_ids if i < table.num_embeddings}  # a separate vocabulary of targets may be larger
    if table.padding_idx is not None:
        wanted.add(table.padding_idx)
    used = torch.tensor(sorted(wanted), device=table.weight.device)
    if len(used) > WORTHWHILE * table.num_embeddings:
        yield 0
        return
    full, rows, padding = table.weight, table.num_embeddings, table.padding_idx
    places = torch.full((rows,), -1, device=used.device)
    places[used] = torch.arange(len(used), device=used.device)
    table.weight = nn.Parameter(full.detach()[used])
    table.num_embeddings = len(used)
    table.padding_idx = None if padding is None else int(places[padding])
    hook = table.register_forward_pre_hook(lambda _, inputs: (places.to(inputs[0].device)[inputs[0]], *inputs[1:]))
    try:
        yield len(used)
    finally:
        hook.remove()
        with torch.no_grad():
            full[used.to(full.device)] = table.weight.detach().to(full)
        table.weight, table.num_embeddings, table.padding_idx = full, rows, padding
