"""Models of base size with random weights, their tokenizers, and rows of generated text; nothing is downloaded."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LABELS = ("red", "green", "blue", "grey")
EPOCHS = 3
"""Passes that are trained; the first only warms up."""


@dataclass(frozen=True)
class Size:
    """How large everything is.

    Args:
        words: different words of the texts; ``vocabulary``: at most so many tokens.
        rows: of training; ``batch``: examples a step.
        length: least and most words of a text; ``target``: of what is to be generated.
        inputs: texts to predict; ``generated``: texts to generate for, ``new_tokens`` each.
        tiny: models of two narrow layers instead of base size.
    """

    words: int = 40_000
    vocabulary: int = 30_000
    rows: int = 1280
    batch: int = 64
    length: tuple[int, int] = (10, 160)
    target: tuple[int, int] = (5, 30)
    inputs: int = 4000
    generated: int = 256
    new_tokens: int = 64
    tiny: bool = False


BASE = Size()
TINY = Size(120, 200, 16, 8, (3, 8), (2, 4), 8, 4, 4, tiny=True)

FAMILIES = {"encoder": "bert", "decoder": "gpt2", "encoder-decoder": "bart"}
TASKS = {"encoder": "classification", "decoder": "summarization", "encoder-decoder": "summarization"}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "bert": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
    },
    "gpt2": {"n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024},
    "bart": {
        "d_model": 768,
        "encoder_layers": 6,
        "decoder_layers": 6,
        "encoder_attention_heads": 12,
        "decoder_attention_heads": 12,
        "encoder_ffn_dim": 3072,
        "decoder_ffn_dim": 3072,
        "max_position_embeddings": 1024,
    },
}


class Texts:
    """Generated words, of which a few are frequent and most are rare, as in text."""

    def __init__(self, size: Size, seed: int = 0) -> None:
        self._random = random.Random(seed)
        syllables = [a + b for a in "bdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
        known: dict[str, None] = {}
        while len(known) < size.words:
            known["".join(self._random.choices(syllables, k=self._random.randint(1, 5)))] = None
        self.words = list(known)
        total, self._weights = 0.0, []
        for rank in range(1, len(self.words) + 1):
            total += 1 / (rank + 2)
            self._weights.append(total)

    def text(self, shortest: int, longest: int) -> str:
        """A text of so many words."""
        count = self._random.randint(shortest, longest)
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=count))

    def rows(self, kind: str, size: Size) -> list[dict[str, str]]:
        """Training rows: texts with the label that they name, or with what is to be generated."""
        rows = []
        for number in range(size.rows):
            text = f"{number} {self.text(*size.length)}"
            if kind == "encoder":
                label = LABELS[number % len(LABELS)]
                rows.append({"text": f"{label} {text}", "label": label})
            else:
                rows.append({"text": text, "summary": self.text(*size.target)})
        return rows


@dataclass(frozen=True)
class Material:
    """What the arms of one kind of model have in common: a checkpoint and rows, on disk."""

    kind: str
    checkpoint: Path
    train: Path
    size: Size

    @property
    def rows(self) -> list[dict[str, str]]:
        """The training rows."""
        return [json.loads(line) for line in self.train.read_text(encoding="utf-8").splitlines()]


def prepare(kind: str, size: Size, folder: Path) -> Material:
    """Make checkpoint and rows in ``folder``, unless they are there."""
    made = Material(kind, folder / kind, folder / f"{kind}.jsonl", size)
    if made.train.is_file():
        return made
    texts = Texts(size)
    rows = texts.rows(kind, size)
    words = [" ".join(texts.words[i : i + 50]) for i in range(0, len(texts.words), 50)]
    make_checkpoint(FAMILIES[kind], [*words, *(text for row in rows for text in row.values())], made.checkpoint, size)
    made.train.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return made


def make_checkpoint(family: str, texts: list[str], folder: Path, size: Size) -> None:
    """A checkpoint of ``family`` with random weights: of base size, or tiny."""
    import torch
    import transformers

    from taskzoo.models.loading import quietly
    from taskzoo.testing import make_tiny_checkpoint
    from taskzoo.testing.tiny_families import RECIPES
    from taskzoo.testing.tiny_models import _configuration

    if size.tiny:
        make_tiny_checkpoint(folder, family, texts, vocabulary=size.vocabulary, dropout=0.1)
        return
    recipe = replace(RECIPES[family], size=lambda _: CONFIGURATIONS[family])
    folder.mkdir(parents=True)
    with quietly():
        tokenizer = recipe.tokenizer(texts, size.vocabulary, folder)
        tokenizer.model_max_length = 512
        torch.manual_seed(0)
        config = transformers.AutoConfig.for_model(family, **_configuration(recipe, tokenizer, 768, 0.1))
        model = getattr(transformers, recipe.model).from_config(config)
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
