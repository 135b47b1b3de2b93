"""What comes out of the tables of token embeddings, seen and changed on its way into the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from taskzoo.errors import RequestError

Change = Callable[[nn.Embedding, Tensor, Tensor], Tensor]
"""From a table, token ids ``[B, T]`` and their embeddings ``[B, T, H]`` to what the model reads in their place."""


def token_embeddings(model: nn.Module) -> list[nn.Embedding]:
    """The tables from which ``model`` reads tokens, of an encoder-decoder those of both sides.

    Raises:
        RequestError: it has none.
    """
    weights = set()
    for part in model.modules():
        if isinstance(part, PreTrainedModel):
            try:
                weights.add(id(part.get_input_embeddings().weight))
            except (NotImplementedError, AttributeError):  # a model that reads no tokens
                continue
    tables = [m for m in model.modules() if isinstance(m, nn.Embedding) and id(m.weight) in weights]
    if not tables:
        raise RequestError(
            "adversarial_epsilon and neftune_alpha change embeddings of tokens, and this model has no table of them."
        )
    return tables


@contextmanager
def changed(tables: Sequence[nn.Embedding], change: Change) -> Iterator[None]:
    """Within the context, ``change`` is applied to whatever ``tables`` give."""

    def hook(table: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        return change(table, inputs[0], output)  # type: ignore[arg-type]

    hooks = [table.register_forward_hook(hook) for table in tables]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()
