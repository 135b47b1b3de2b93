"""Training rows that look most like an input to the model: by the cosine of vectors, as its last layer is given them.

Where that layer works on every token, or there is none, the vector is the mean over the tokens that the text has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from taskzoo.data.batching import plan_evaluation
from taskzoo.engine.batches import to_device
from taskzoo.engine.evaluation import Predictor
from taskzoo.engine.last_layer import captured_input, chosen_vectors, last_linear
from taskzoo.engine.progress import Reporter
from taskzoo.engine.scoring import MAX_EXAMPLES
from taskzoo.errors import RequestError
from taskzoo.types import Batch, Example, Row, public

from .asking import Asked
from .explanation import Explanation, Neighbour
from .run_rows import read_split


def add_nearest(
    asked: Asked, rows: Sequence[Row], explanations: Sequence[Explanation], count: int, reporter: Reporter
) -> None:
    """Add the ``count`` most similar training rows to each explanation; those with the same texts are left out.

    Raises:
        RequestError: the model is an export, or the training rows cannot be read any more or have changed.
    """
    if asked.exported:
        raise RequestError("--nearest needs the model's vectors, which an export does not give; use the run.")
    training = read_split(asked.run, "train")
    known = vectors(asked, training, reporter, "encoding train")
    given = vectors(asked, asked.run.task.prepare(rows, "predict"), reporter, "encoding")
    references = asked.run.task.references(training)
    for explanation, similarities in zip(explanations, given @ known.T, strict=True):
        for index in np.argsort(-similarities, kind="stable"):
            example = training[index]
            texts = {role: example.get(role) for role in explanation.inputs}
            if texts == explanation.inputs:
                continue
            if len(explanation.nearest) == count:
                break
            place = f"{example.source}, line {example.line}" if example.line else example.source
            shown = {role: text for role, text in texts.items() if isinstance(text, str)}
            explanation.nearest.append(Neighbour(float(similarities[index]), shown, public(references[index]), place))


@torch.no_grad()
def vectors(asked: Asked, examples: Sequence[Example], reporter: Reporter, title: str) -> np.ndarray:
    """A vector of length 1 for each example, the mean over its windows: ``[rows, H]``."""
    predictor = asked.predictor
    assert isinstance(predictor, Predictor)
    features = asked.run.task.encode(examples, asked.run.processor).features
    sums: Any = None
    lengths, done = [feature.length for feature in features], 0
    with reporter.bar(title, len(features)) as bar:
        for indices in plan_evaluation(lengths, max_tokens=predictor.max_tokens, max_examples=MAX_EXAMPLES):
            batch = to_device(predictor.collate([features[i] for i in indices]), predictor.accelerator.device)
            found = _of_batch(predictor, batch).float().cpu().numpy().astype(np.float64)
            if sums is None:
                sums = np.zeros((len(examples), found.shape[1]))
            np.add.at(sums, [features[i].row for i in indices], found / np.linalg.norm(found, axis=1, keepdims=True))
            done += len(indices)
            bar.update(done)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))


def _of_batch(predictor: Predictor, batch: Batch) -> Tensor:
    """A vector of each feature, ``[B, H]``."""
    model: Any = predictor.model
    mask: Tensor = batch.inputs["attention_mask"]
    if predictor.task.generates:
        backbone = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
        with _first_output(backbone) as states, predictor.accelerator.autocast():
            predictor.task.forward(model, batch)
        return _mean(states[0], mask)
    layer = last_linear(model)
    with captured_input(layer) as kept, predictor.accelerator.autocast():
        outputs = predictor.task.forward(model, batch)
    given = chosen_vectors(kept[0], layer, outputs)
    return _mean(given, mask) if given.dim() == 3 else given


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    """Of the states ``[B, T, H]`` at the places that are no padding."""
    kept = mask[:, : states.shape[1]].to(states).unsqueeze(-1)
    return (states * kept).sum(1) / kept.sum(1).clamp(min=1)


@contextmanager
def _first_output(module: nn.Module) -> Iterator[list[Tensor]]:
    """Within the context, the states that ``module`` gives are kept in the list."""
    kept: list[Tensor] = []
    hook = module.register_forward_hook(lambda _, __, found: kept.append(found[0]))
    try:
        yield kept
    finally:
        hook.remove()
