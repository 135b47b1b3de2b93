"""A finished run needs no taskzoo to be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from transformers import AutoModelForTokenClassification, pipeline

from taskzoo import Row


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_the_pipeline_finds_the_same_entities(
    memorised: Callable[..., Any], demo_sentences: list[dict[str, Any]], family: str
) -> None:
    run = memorised(family)
    tagger = pipeline("token-classification", model=str(run.path / "model"), aggregation_strategy="first")
    same = total = 0
    for row in demo_sentences[:12]:
        text = " ".join(row["tokens"])
        theirs = {(e["start"], e["end"], e["entity_group"]) for e in tagger(text)}
        (ours,) = run.predict_rows([Row(row)])
        mine = {(e["start"], e["end"], e["label"]) for e in ours["entities"]}
        total += len(mine)
        same += len(mine & theirs)
    assert total > 10
    assert same >= 0.8 * total  # the pipeline splits off punctuation and knows no constraints


def test_a_crf_run_loads_as_a_plain_classifier(memorised: Callable[..., Any]) -> None:
    run = memorised(head="crf")
    model = AutoModelForTokenClassification.from_pretrained(run.path / "model")
    assert model.config.id2label == dict(enumerate(run.task.labels))
    assert [model.config.label2id[label] for label in run.task.labels] == list(range(len(run.task.labels)))
    assert model.config.architectures == ["BertForTokenClassification"]


def test_adapters_are_merged_into_a_plain_model(memorised: Callable[..., Any]) -> None:
    run = memorised(method="lora", lora_rank=8, epochs=2)
    model, report = AutoModelForTokenClassification.from_pretrained(run.path / "model", output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not any("lora" in name for name in model.state_dict())
