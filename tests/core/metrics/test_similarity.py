"""Similarity by token vectors: greedy matching, by hand and with texts that have no tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from taskzoo.metrics.similarity import CHUNK, Similarity

VECTORS = {"east": (2.0, 0.0), "north": (0.0, 3.0), "between": (1.0, 1.0), "west": (-1.0, 0.0), "nothing": (0.0, 0.0)}


def embed(texts: Sequence[str]) -> list[np.ndarray]:
    return [np.array([VECTORS[word] for word in text.split()], dtype=np.float32).reshape(-1, 2) for text in texts]


def score(output: str, *targets: str) -> tuple[float, ...]:
    found = Similarity(embed).compute(predictions=[{"text": output}], references=[{"targets": list(targets)}])
    return tuple(found[name] for name in ("similarity_precision", "similarity_recall", "similarity"))


def test_greedy_matching_by_hand() -> None:
    root = np.sqrt(0.5)
    assert score("east", "east north") == pytest.approx((1.0, 0.5, 2 / 3))
    precision, recall = 1.0, (1 + 1 + root) / 3
    expected = (precision, recall, 2 * precision * recall / (1 + recall))
    assert score("east north", "east north between") == pytest.approx(expected)
    assert score("east", "between") == pytest.approx((root, root, root))


def test_the_order_and_length_of_vectors_do_not_count() -> None:
    assert score("north east", "east north") == pytest.approx((1.0, 1.0, 1.0))


def test_the_best_reference_counts() -> None:
    assert score("east", "north", "east", "east north") == pytest.approx((1.0, 1.0, 1.0))


def test_opposites_and_empty_texts() -> None:
    assert score("east", "west") == (0, 0, 0)
    assert score("nothing", "east") == (0, 0, 0)
    assert score("", "east") == score("east", " \n") == (0, 0, 0)
    assert score("", "") == (1, 1, 1)


def test_texts_are_embedded_once_and_in_parts() -> None:
    calls: list[list[str]] = []

    def counting(texts: Sequence[str]) -> list[np.ndarray]:
        calls.append(list(texts))
        return embed(texts)

    rows = CHUNK + 3
    found = Similarity(counting).statistics([{"text": "east"}] * rows, [{"targets": ["east", "north"]}] * rows)
    assert calls == [["east", "north"]] * 2
    assert found.tolist() == [[1.0] * 4] * rows
