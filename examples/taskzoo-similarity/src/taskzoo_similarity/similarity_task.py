"""The task ``similarity``: one encoder for both texts of a row, so that vectors can be kept and searched."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedModel

from taskzoo import Batch, DataError, Encoded, Example, Feature, Loss, Metric, RequestError, Row, Task
from taskzoo.models.text_encoding import encode_texts

from . import losses
from .correlation import Correlations
from .embedder import Embedder
from .encoder_files import write_encoder_files
from .pair_collator import PairCollator
from .pair_rows import PAIRS, SCORED, checked_pair, form_of
from .pooled_text import find_pooling, unit_vectors
from .retrieval import Retrieval, Right, ranks_in_pool, right_texts

Prediction = dict[str, Any]
LONGEST = 512


class SimilarityTask(Task):
    """A bi-encoder (see :class:`taskzoo.Task` for the contract).

    Of pairs, training rows teach which text is to be found for a text; of scored pairs, which are more similar.
    """

    batch_coupled = True
    multi_reference = True
    predicts_untrained = True
    parameters_without_gradient = ("pooler",)
    baseline_name = "the model before training"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.form, self.lowest, self.highest = PAIRS, 0.0, 1.0
        self.pooling = options["pooling"]
        self._right = Right()
        self._before: tuple[str, dict[str, Any]] | None = None
        self._tokenizer: Any = None

    @property
    def primary_metric(self) -> str:  # type: ignore[override]
        """Of the form of the training rows."""
        return "ndcg@10" if self.form == PAIRS else "spearman"

    @property
    def input_roles(self) -> Sequence[str]:
        return ("text", "other")

    # from rows to features

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [checked_pair(row, labelled=split != "predict") for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        if example["score"] is None:
            return example["text"], example["other"]
        return json.dumps([example["text"], example["other"]]), str(example["score"])

    def group(self, example: Example) -> str | None:
        return example["text"] if example["score"] is None else None

    def vocabulary_texts(self, examples: Sequence[Example]) -> tuple[list[str], list[str] | None]:
        return [text for e in examples for text in (e["text"], e["other"], *e["negatives"])], None

    def fit(self, examples: Sequence[Example]) -> None:
        self.form = form_of(examples[0])
        self._check_form(examples)
        if self.form == PAIRS:
            self._right = Right((example["text"], example["other"], example["topic"]) for example in examples)
        else:
            scores = [example["score"] for example in examples]
            self.lowest, self.highest = min(scores), max(scores)
            if self.lowest == self.highest:
                raise RequestError("All training rows have the same score; there is nothing to learn.")
        if self.options["loss"] != "auto" and (self.options["loss"] == "multiple-negatives") is (self.form == SCORED):
            needs = "without" if self.options["loss"] == "multiple-negatives" else "with"
            raise RequestError(f"loss={self.options['loss']} is for rows {needs} a score; leave it at auto.")

    def describe(self) -> str:
        loss = {PAIRS: "multiple-negatives", SCORED: "cosent"}[self.form]
        return f"{self.form}, loss {loss if self.options['loss'] == 'auto' else self.options['loss']}"

    def configure(self, processor: Any, config: Any) -> None:
        self._tokenizer = processor
        if self.pooling == "auto":
            self.pooling = find_pooling(config)

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        self._check_form([example for example in examples if example["labelled"]])
        sides = [[e["text"], e["other"], *e["negatives"]] for e in examples]
        first, cut = self.token_lists([texts[0] for texts in sides], self.options["text_prompt"], processor)
        rest = [text for texts in sides for text in texts[1:]]
        found, more_cut = self.token_lists(rest, self.options["other_prompt"], processor)
        each, features = iter(found), []
        for row, (example, texts, ids) in enumerate(zip(examples, sides, first, strict=True)):
            side_ids = [ids, *(next(each) for _ in texts[1:])]
            values = {"side_ids": side_ids, "texts": texts, "topic": example["topic"], "score": self._scaled(example)}
            features.append(Feature(row, sum(map(len, side_ids)), values))
        return Encoded(features, {"truncated_texts": cut + more_cut})

    def token_lists(self, texts: Sequence[str], prompt: str, tokenizer: Any) -> tuple[list[list[int]], int]:
        """The token ids of each text after a prompt, and how many texts were cut."""
        encoded = encode_texts(tokenizer, [prompt + text for text in texts], max_length=self.options["max_length"])
        return [feature["input_ids"] for feature in encoded.features], encoded.counts["truncated_rows"]

    def _scaled(self, example: Example) -> float | None:
        """The score from 0 to 1, as far as training scores reach."""
        score = example["score"]
        return None if score is None else (score - self.lowest) / (self.highest - self.lowest)

    def _check_form(self, examples: Sequence[Example]) -> None:
        for example in examples:
            if form_of(example) != self.form:
                has, lack = ("no score", "have one") if self.form == SCORED else ("a score", "have none")
                message = f"this row has {has}, and the first training rows {lack}; a run takes rows of one form."
                raise DataError(message, file=example.source, line=example.line)

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        if self._before is None:
            self._before = (checkpoint, loading)
        model: PreTrainedModel = AutoModel.from_pretrained(checkpoint, **loading)
        return model

    def collator(self, processor: Any) -> PairCollator:
        return PairCollator(processor.pad_token_id, self._right)

    def forward(self, model: Any, batch: Batch) -> Tensor:
        return unit_vectors(model, batch.inputs, self.pooling)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for similar texts; leave it at 0.")
        rows = len(batch.targets["score"])
        texts, candidates, scale = outputs[:rows], outputs[rows:], self.options["scale"]
        if self.form == PAIRS:
            return losses.multiple_negatives(texts, candidates, batch.targets["right"], scale)
        cosines, scores = (texts * candidates[:rows]).sum(-1), batch.targets["score"]
        if self.options["loss"] == "cosine-mse":
            return losses.cosine_mse(cosines, scores)
        return losses.cosent(cosines, scores, scale)

    # predictions and scores

    def decode(self, outputs: Any, batch: Batch) -> list[Any]:
        vectors, owner = outputs.float().cpu().numpy(), batch.targets["owner"].cpu().numpy()
        return [vectors[owner == row] for row in range(len(batch.targets["score"]))]

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        sides = [part for (part,) in parts]
        found = [
            {"text": e["text"], "other": e["other"], "value": round(float(vectors[0] @ vectors[1]), 6)}
            for e, vectors in zip(examples, sides, strict=True)
        ]
        if self.form == PAIRS and all(example["labelled"] for example in examples):
            pool: dict[str, np.ndarray] = {}
            for example, vectors in zip(examples, sides, strict=True):
                pool |= zip([example["other"], *example["negatives"]], vectors[1:], strict=True)
            texts = {example["text"]: vectors[0] for example, vectors in zip(examples, sides, strict=True)}
            ranks = ranks_in_pool(right_texts(examples), texts, pool) if examples else {}
            for prediction in found:
                prediction |= {"ranks": ranks[prediction["text"]], "pool": len(pool)}
        return found

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        if self.form == SCORED:
            return [{"text": e["text"], "other": e["other"], "value": e["score"]} for e in examples]
        right = {text: len(others) for text, others in right_texts(examples).items()}
        return [
            {"text": e["text"], "other": e["other"], "right": n, "ranks": list(range(1, min(n, 100) + 1))}
            for e in examples
            for n in (right[e["text"]],)
        ]

    def metrics(self) -> Sequence[Metric]:
        return [Retrieval()] if self.form == PAIRS else [Correlations()]

    def quick_baseline_rows(self, examples: Sequence[Example]) -> int:
        return 0

    def baseline(self, examples: Sequence[Example], seed: int) -> Callable[[Sequence[Example]], list[Prediction]]:
        """The pretrained model, which shows what training added."""
        if self._before is None:
            raise RequestError("The model before training is not loaded.")
        checkpoint, loading = self._before
        embed = Embedder(self, AutoModel.from_pretrained(checkpoint, **loading), self._tokenizer)

        def predict(rows: Sequence[Example]) -> list[Prediction]:
            texts = embed([row["text"] for row in rows], self.options["text_prompt"])
            others = embed([text for r in rows for text in (r["other"], *r["negatives"])], self.options["other_prompt"])
            ends = np.cumsum([1 + len(row["negatives"]) for row in rows])
            return self.assemble(
                rows, [[np.vstack([t[None], o])] for t, o in zip(texts, np.split(others, ends[:-1]), strict=True)]
            )

        return predict

    # what was learnt

    def state(self) -> dict[str, Any]:
        return {"form": self.form, "lowest": self.lowest, "highest": self.highest, "pooling": self.pooling}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.form, self.pooling = state["form"], state["pooling"]
        self.lowest, self.highest = state["lowest"], state["highest"]

    # without this library

    def plain_use(self, saved: Any) -> str:
        width = AutoConfig.from_pretrained(saved.folder).hidden_size
        length = self.options["max_length"] or min(saved.processor.model_max_length, LONGEST)
        prompts = {"text": self.options["text_prompt"], "other": self.options["other_prompt"]}
        write_encoder_files(saved.folder, width=width, pooling=self.pooling, length=length, prompts=prompts)
        return "\n".join(
            [
                "```python",
                "from sentence_transformers import SentenceTransformer",
                "",
                f"model = SentenceTransformer({json.dumps(saved.shown, ensure_ascii=False)})",
                'vectors = model.encode(["some text"], prompt_name="text")',
                'others = model.encode(["another text"], prompt_name="other")',
                "similarity = vectors @ others.T",
                "```",
            ]
        )
