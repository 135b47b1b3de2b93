"""The prefix that a T5 was pretrained with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from taskzoo import registry


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"summarization": {"prefix": "summarize it: "}}, "summarize it: "),
        ({"translation_en_to_de": {"prefix": "translate English to German: "}}, "summarize: "),
        ({"summarization": {"num_beams": 4}}, ""),
        (None, ""),
    ],
)
def test_only_a_pretrained_t5_has_one(params, expected):
    task = registry.load_task("summarization")(registry.task("summarization").resolve_options({}))
    assert task.prefix(SimpleNamespace(task_specific_params=params)) == expected
    assert task.prefix(SimpleNamespace()) == ""
