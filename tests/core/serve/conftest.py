"""Finished runs of every task, made once; nobody may change them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FEW = {"method": "full", "max_steps": 2, "batch_size": 8, "precision": "fp32", "learning_rate": 0.01, "baseline": False}
TEXTS = [f"the {word} film number {n}" for n in range(8) for word in ("good", "bad")]


def _rows(kind: str) -> list[dict[str, Any]]:
    both = list(zip(TEXTS[::2], TEXTS[1::2], strict=True))
    return {
        "single": [{"text": text, "label": text.split()[1]} for text in TEXTS],
        "multi": [
            {"text": text, "labels": ["third", *(["odd"] * (n % 2))] if n % 3 else ["new"]}
            for n, text in enumerate(TEXTS)
        ],
        "pairs": [{"text": a, "text_pair": b, "label": "yes" if n % 2 else "no"} for n, (a, b) in enumerate(both)],
        "stars": [{"text": text, "label": n / 2} for n, text in enumerate(TEXTS)],
        "translation": [{"source": a, "target": b} for a, b in both],
        "summarization": [{"source": a, "target": b} for a, b in both],
    }[kind]


TASKS = {
    "single": ("classification", "bert", {}),
    "multi": ("classification", "bert", {}),
    "pairs": ("classification", "bert", {}),
    "stars": ("sentiment", "bert", {}),
    "translation": ("translation", "t5", {"source_lang": "en", "target_lang": "de", "max_new_tokens": 4}),
    "summarization": ("summarization", "t5", {"max_new_tokens": 4}),
}


@pytest.fixture(scope="session")
def run_of(tmp_path_factory, tiny_checkpoint, memorised) -> Callable[[str], Path]:
    """A function from a kind of task to a run of it, named after it."""
    import taskzoo

    folder = tmp_path_factory.mktemp("served")

    def make(kind: str) -> Path:
        if kind == "ner":
            return Path(memorised().path)
        output = folder / kind
        if not output.exists():
            task, family, options = TASKS[kind]
            rows = _rows(kind)
            splits = dict.fromkeys(("train", "validation", "test"), rows)
            model = str(tiny_checkpoint(family))
            taskzoo.finetune(task, model=model, output=output, **splits, **FEW, **options)
        return output

    return make
