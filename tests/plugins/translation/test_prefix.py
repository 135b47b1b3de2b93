"""The prefix that a T5 was pretrained with names both languages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from taskzoo import registry

T5 = SimpleNamespace(task_specific_params={"translation_en_to_de": {"prefix": "translate English to German: "}})


def prefix(config, source: str, target: str) -> str:
    options = registry.task("translation").resolve_options({"source_lang": source, "target_lang": target})
    return registry.load_task("translation")(options).prefix(config)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("en", "de", "translate English to German: "),
        ("eng", "zh", "translate English to Chinese: "),
        ("", "de", ""),
    ],
)
def test_the_prefix_of_a_pretrained_t5(source, target, expected):
    assert prefix(T5, source, target) == expected


@pytest.mark.parametrize("config", [SimpleNamespace(task_specific_params=None), SimpleNamespace()])
def test_others_have_none(config):
    assert prefix(config, "en", "de") == ""
