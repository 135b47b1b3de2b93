"""The same task over many architectures: sub-tokens as in running text, one prediction per word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from taskzoo import Row, registry
from taskzoo.engine.batches import tensors
from taskzoo.models.tokenizers import WordEncoder, is_byte_level
from taskzoo_ner.task import NerTask

FAMILIES = ("albert", "bert", "deberta-v2", "distilbert", "electra", "gpt2", "modernbert", "qwen2", "roberta", "t5")
FAMILIES += ("xlm-roberta",)
SENTENCES = (
    ["Mayor", "Austin", "Abernathy", "visited", "Paris"],
    ["The", "Photoshop", "course", "costs", "12,50", "Euro", "naïve", "王"],
)


def new_task(**options: Any) -> NerTask:
    return NerTask(registry.task("ner").resolve_options(options))


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_tokenized_as_in_running_text(
    tiny_checkpoint: Callable[..., Path], tiny_tokenizer: Callable[..., Any], family: str
) -> None:
    """What the model saw in pre-training is the word after a space, wherever it stands."""
    published = AutoTokenizer.from_pretrained(tiny_checkpoint(family))
    encoder = WordEncoder(tiny_tokenizer(family))
    for words in SENTENCES:
        text = " ".join(["x", *words])  # "x": the first word of a text may have another form
        running = published(text, add_special_tokens=False)["input_ids"]
        start = len(published("x", add_special_tokens=False)["input_ids"])
        assert [i for word in encoder(words) for i in word] == running[start:]


@pytest.mark.parametrize("family", ["gpt2", "roberta", "modernbert", "qwen2"])
def test_a_word_of_byte_level_bpe_holds_the_space_before_it(
    tiny_checkpoint: Callable[..., Path], tiny_tokenizer: Callable[..., Any], family: str
) -> None:
    published = AutoTokenizer.from_pretrained(tiny_checkpoint(family))
    assert is_byte_level(published)
    encoder = WordEncoder(tiny_tokenizer(family))
    for word in ("Paris", "Germany's", "co-op", "U.S.", "12,50", "'s", "?!", "Zürich"):
        (ids,) = encoder([word])
        assert ids == published(f" {word}", add_special_tokens=False)["input_ids"], word
        assert ids != published(word, add_special_tokens=False)["input_ids"], word


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["linear", "crf"])
def test_one_tag_per_word(
    tiny_checkpoint: Callable[..., Path],
    tiny_tokenizer: Callable[..., Any],
    demo_sentences: list[dict[str, Any]],
    family: str,
    head: str,
) -> None:
    task, tokenizer = new_task(head=head, max_length=24), tiny_tokenizer(family)
    raw = [Row(row) for row in demo_sentences[:12]]
    raw.append(Row({"tokens": ["Ann", "\u200b", "Lee"], "tags": ["B-PER", "I-PER", "I-PER"]}))
    rows = task.prepare(raw, "train")
    task.fit(rows)
    encoded = task.encode(rows, tokenizer)
    assert len(encoded.features) > len(rows)  # some have windows
    model = task.head(str(tiny_checkpoint(family)), dtype=torch.float32).eval()
    batch = tensors(task.collator(tokenizer)(encoded.features))
    with torch.no_grad():
        outputs = task.forward(model, batch)
        loss = task.loss(outputs, batch)
    assert loss.total.isfinite()
    words = sum(len(row["_words"]) for row in rows) - encoded.counts["words_without_tokens"]
    assert int(loss.weight) == words if head == "linear" else int(loss.weight) >= words
    parts: list[list[Any]] = [[] for _ in rows]
    for feature, part in zip(encoded.features, task.decode(outputs, batch), strict=True):
        parts[feature.row].append(part)
    for row, prediction in zip(rows, task.assemble(rows, parts), strict=True):
        assert len(prediction["tags"]) == len(row["tags"])


@pytest.mark.parametrize("family", ["gpt2", "qwen2"])
def test_decoders_memorise_their_rows(memorised: Callable[..., Any], family: str) -> None:
    run = memorised(family, epochs=60)
    assert run.model.config.pad_token_id is not None
    assert run.metrics["validation"]["f1"] > 0.9
