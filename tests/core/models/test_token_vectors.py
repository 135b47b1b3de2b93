"""Vectors of tokens do not depend on the other texts, and special tokens have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.metrics.similarity import Similarity
from taskzoo.models import token_vectors as module
from taskzoo.models.sequence import load_sequence_model
from taskzoo.models.token_vectors import token_vectors

TEXTS = ["The mayor of Austin visited Paris .", "", "Paris", " \n\t", "The mayor\nof Austin 😀 😀", "x" * 3]


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "t5"])
def test_alone_and_together(
    family: str, tiny_checkpoint: Any, tiny_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = token_vectors(str(tiny_checkpoint(family)))
    together = embed(TEXTS)
    monkeypatch.setattr(module, "TOKENS_PER_BATCH", 1)
    for text, vectors in zip(TEXTS, together, strict=True):
        (alone,) = embed([text])
        assert vectors.dtype == np.float32
        assert vectors.shape == alone.shape
        assert vectors.shape[1] == 32
        assert np.allclose(vectors, alone, atol=1e-5)
    tokenizer = tiny_tokenizer(family)
    assert len(together[0]) == len(tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"])
    assert len(together[1]) == len(together[3]) == 0


@pytest.mark.parametrize("family", ["bert", "t5", "bart"])
def test_of_a_run_with_a_pooled_head_they_are_its_backbones(
    family: str, tiny_checkpoint: Any, tiny_tokenizer: Any, tmp_path: Path
) -> None:
    labels = {"problem_type": "single_label_classification", "labels": ["a", "b"]}
    load_sequence_model(str(tiny_checkpoint(family)), **labels, pooling="mean").save_pretrained(tmp_path)
    tiny_tokenizer(family).save_pretrained(tmp_path)
    found, expected = token_vectors(str(tmp_path))(TEXTS), token_vectors(str(tiny_checkpoint(family)))(TEXTS)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_long_texts_are_cut(tiny_checkpoint: Any) -> None:
    (vectors,) = token_vectors(str(tiny_checkpoint("bert")))(["Paris " * 2000])
    assert len(vectors) == 510


def test_the_same_text_is_most_similar(tiny_checkpoint: Any) -> None:
    metric = Similarity(token_vectors(str(tiny_checkpoint("bert"))))
    rows = [{"text": text} for text in TEXTS]
    same = metric.compute(rows, [{"targets": [text]} for text in TEXTS])
    assert same["similarity"] == pytest.approx(1.0, abs=1e-5)
    other = metric.compute(rows, [{"targets": [text]} for text in TEXTS[::-1]])
    assert 0 <= other["similarity"] < 0.9


def test_models_that_cannot_say_anything_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="untrained"):
        token_vectors("scratch:bert-mini")
    with pytest.raises(UnknownNameError):
        token_vectors("no-such-model")
    with pytest.raises(RequestError, match=r"no config\.json"):
        token_vectors(str(tmp_path))
