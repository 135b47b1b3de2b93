"""Thirty-two pairs, a tiny checkpoint of each family, and one run for each that memorizes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from transformers import AutoConfig

import taskzoo
from taskzoo.models.refs import resolve_model
from taskzoo.models.tokenizers import load_tokenizer
from taskzoo.seq2seq.sequence_format import FormatRequest
from taskzoo.testing import make_tiny_checkpoint

NAMES = dict(
    zip(
        ("Anna", "Ben", "Carla", "David", "Eva", "Frank", "Gina", "Hugo"),
        ("安娜", "本", "卡拉", "大卫", "伊娃", "弗兰克", "吉娜", "雨果"),
        strict=True,
    )
)
VERBS = {"likes": "喜欢", "sees": "看见", "buys": "买", "eats": "吃"}
THINGS = [("apples", "苹果"), ("two big red cars", "两辆红色的大车"), ("the book that I read", "我读的那本书")]

PAIRS = [
    (f"{name} {verb} {THINGS[(i + j) % 3][0]}.", f"{NAMES[name]}{VERBS[verb]}{THINGS[(i + j) % 3][1]}。")
    for i, name in enumerate(NAMES)
    for j, verb in enumerate(VERBS)
]
SOURCES, TARGETS = [source for source, _ in PAIRS], [target for _, target in PAIRS]

RATES = {"t5": 5e-3, "marian": 8e-3, "roberta": 5e-3, "bert": 5e-3, "gpt2": 5e-3, "pegasus": 3e-3}
STEPS = {"gpt2": 220, "marian": 140, "bert": 140}
SLOW = ("t5", "bart", "mbart", "mbart50", "m2m_100", "nllb", "pegasus", "roberta")
FAST = ("gpt2", "marian", "bert")

families = pytest.mark.parametrize("family", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])


@cache
def checkpoint(family: str) -> Path:
    """A tiny checkpoint whose tokenizer knows the pairs; not to be written to."""
    return make_tiny_checkpoint(Path(mkdtemp(prefix="taskzoo-tiny-")) / family, family, [*SOURCES, *TARGETS])


def to_chinese(**given: Any) -> FormatRequest:
    """What a task from English into Chinese asks of a checkpoint."""
    return FormatRequest(**{"source_lang": "en", "target_lang": "zh", **given})


def tokenizer_and_config(family: str) -> tuple[Any, Any]:
    """Freshly loaded, as a run loads them."""
    folder = checkpoint(family)
    return load_tokenizer(resolve_model(str(folder))), AutoConfig.from_pretrained(folder)


@cache
def learnt(family: str) -> Any:
    """A finished run of a tiny model of ``family`` on all pairs."""
    folder = Path(mkdtemp(prefix="taskzoo-pairs-"))
    checkpoint = make_tiny_checkpoint(folder / "checkpoint", family, [*SOURCES, *TARGETS], hidden=64)
    return taskzoo.finetune(
        "translation",
        model=str(checkpoint),
        train=(SOURCES, TARGETS),
        validation=[],
        test=[],
        source_lang="en",
        target_lang="zh",
        max_steps=STEPS.get(family, 800),
        batch_size=16,
        learning_rate=RATES.get(family, 1e-3),
        precision="fp32",
        output=folder / "run",
    )
