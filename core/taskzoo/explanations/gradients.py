"""Evidence along gradients: integrated (Sundararajan et al. 2017), and gradient x input.

Both are taken at the output of the layer of word embeddings. The path of integrated gradients leads from a baseline, in
which every token of the texts is one that says nothing, straight to the input; special tokens stay. Its integral is
computed by Gauss-Legendre quadrature, so that few steps suffice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from taskzoo.engine.batches import to_device
from taskzoo.engine.evaluation import Predictor
from taskzoo.engine.progress import Reporter
from taskzoo.errors import RequestError
from taskzoo.evidence import Question
from taskzoo.types import Batch

from .asking import Asked, check_number
from .tokens import TokenEvidence

STEPS = 32
"""Points at which the gradient is taken."""


class Gradients:
    """Gradients of the value of a claim with respect to the word embeddings of one example.

    Raises:
        RequestError: the model has no word embeddings, or uses them in a way of its own.
    """

    def __init__(self, asked: Asked, question: Question) -> None:
        predictor = asked.predictor
        assert isinstance(predictor, Predictor)
        self._predictor, self._question, self._evidence = predictor, question, asked.evidence
        self._model: Any = predictor.model
        self._table = word_embeddings(self._model)
        self._features = asked.features(question)
        self.places = self._evidence.places(question, self._features, asked.run.processor)
        self._tokenizer = asked.run.processor
        ids = self._batch(1).inputs.get("input_ids")
        if not isinstance(ids, Tensor) or ids.dim() != 2:
            raise no_gradients("its inputs are not rows of token ids")
        self._ids: Tensor = ids

    def gradient_x_input(self) -> TokenEvidence:
        """The gradient at the input, times the input."""
        given = self._embedded(self._ids)
        values, gradients = self._scored(given, 1)
        return TokenEvidence(self._per_token(gradients * given), self.places, check_number(values.item()))

    def integrated(self, steps: int, reporter: Reporter) -> TokenEvidence:
        """The gradient integrated over the path from the baseline, times the difference."""
        name, nothing = neutral_token(self._tokenizer)
        replaced = self._ids.clone()
        for row, places in enumerate(self.places):
            for at, place in enumerate(places):
                if place is not None:
                    replaced[row, at] = nothing
        start, end = self._embedded(replaced), self._embedded(self._ids)
        points, weights = (torch.from_numpy(each).to(end) for each in np.polynomial.legendre.leggauss(steps))
        points, weights = (points + 1) / 2, weights / 2
        total = torch.zeros_like(end, dtype=torch.float64)
        size = max(1, self._predictor.max_tokens // self._ids.numel())
        with reporter.bar("steps", steps) as bar:
            for first in range(0, steps, size):
                chosen = points[first : first + size]
                path = start + chosen.view(-1, 1, 1, 1) * (end - start)  # [R, W, T, H]
                _, gradients = self._scored(path.flatten(0, 1), len(chosen))
                shares = weights[first : first + size].view(-1, 1, 1, 1)
                total += (gradients.view_as(path) * shares).sum(0).double()
                bar.update(min(first + size, steps))
        found = self._per_token(total * (end - start))
        with torch.no_grad():
            ends = self._values(torch.cat([start, end]), 2).tolist()
        baseline, value = map(check_number, ends)
        residual = value - baseline - float(sum(row.sum() for row in found))
        return TokenEvidence(found, self.places, value, name, baseline, residual)

    def _batch(self, copies: int) -> Batch:
        batch = self._predictor.collate(list(self._features) * copies)
        return to_device(batch, self._predictor.accelerator.device)

    @torch.no_grad()
    def _embedded(self, ids: Tensor) -> Tensor:
        found: Tensor = self._table(ids)
        return found.float()

    def _scored(self, embedded: Tensor, copies: int) -> tuple[Tensor, Tensor]:
        """The values of the copies, and their gradients, of the form of ``embedded`` ``[copies x W, T, H]``."""
        given = embedded.detach().requires_grad_()
        with torch.enable_grad():
            values = self._values(given, copies)
            (gradients,) = torch.autograd.grad(values.sum(), given)
        return values.detach(), gradients

    def _values(self, embedded: Tensor, copies: int) -> Tensor:
        batch = self._batch(copies)
        rows = torch.arange(copies, device=embedded.device).repeat_interleave(len(self._features))
        task, accelerator = self._predictor.task, self._predictor.accelerator
        with replaced_output(self._table, embedded), accelerator.autocast():
            outputs = task.forward(self._model, batch)
        found: Tensor = self._evidence.score(outputs, batch, self._question, rows)
        return found.float()

    def _per_token(self, products: Tensor) -> list[np.ndarray]:
        sums = products.double().sum(-1).cpu().numpy()
        return [row[: feature.length] for row, feature in zip(sums, self._features, strict=True)]


def check_gradients(asked: Asked) -> None:
    """Refuse, by a :class:`RequestError`, a model of which no gradients can be taken."""
    word_embeddings(asked.predictor.model)
    neutral_token(asked.run.processor)


def word_embeddings(model: Any) -> nn.Module:
    """The layer of word embeddings; a :class:`RequestError` if there is none."""
    try:
        table: nn.Module | None = model.get_input_embeddings()
    except NotImplementedError:
        table = None
    if table is None:
        raise no_gradients("it has no layer of word embeddings")
    return table


def neutral_token(tokenizer: Any) -> tuple[str, int]:
    """The token that says nothing, and its id: the mask, else that for padding."""
    for name in ("mask_token", "pad_token"):
        found = getattr(tokenizer, f"{name}_id", None)
        if found is not None:
            return str(getattr(tokenizer, name)), int(found)
    raise no_gradients("its tokenizer has neither a mask nor a padding token to start from")


def no_gradients(why: str) -> RequestError:
    """The error that gradients cannot be had of this model."""
    return RequestError(f"Gradients cannot be taken of this model: {why}; use --method leave-one-out.")


@contextmanager
def replaced_output(layer: nn.Module, output: Tensor) -> Iterator[None]:
    """Within the context, ``layer`` gives ``output``; a :class:`RequestError` on leaving if it was not called once."""
    calls = 0

    def give(_: nn.Module, inputs: Sequence[Any], found: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if found.shape != output.shape:
            raise no_gradients("it embeds other tokens than those of its texts")
        return output.to(found)

    hook = layer.register_forward_hook(give)
    try:
        yield
    finally:
        hook.remove()
    if calls != 1:
        raise no_gradients(f"it embeds its tokens {calls} times")
