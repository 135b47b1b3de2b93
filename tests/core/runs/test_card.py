"""What is said below the scores."""

from __future__ import annotations

from typing import Any

import pytest

from taskzoo.runs.card import result_notes


@pytest.mark.parametrize(
    ("metrics", "notes"),
    [
        ({}, []),
        ({"test": {"rows": 100, "bleu": 1.0}}, []),
        ({"test": {"rows": 100, "same_text": {"rows": 9, "text": "yes"}}}, []),
        ({"test": {"rows": 5, "same_text": {"rows": 1, "text": "yes"}}}, []),
        (
            {"validation": {"rows": 9}, "test": {"rows": 100, "same_text": {"rows": 10, "text": "we do it"}}},
            ['For 10 of 100 rows of test it wrote the same: "we do it"'],
        ),
        (
            {"validation": {"rows": 4, "same_text": {"rows": 4, "text": "yes"}}},
            ['For 4 of 4 rows of validation it wrote the same: "yes"'],
        ),
        (
            {
                "test": {"rows": 4, "same_text": {"rows": 3, "text": "yes"}},
                "baseline": {"difference": {"test": {"metric": "bleu", "value": -2.0, "ci95": [-3.0, -1.0]}}},
            },
            [
                "The model is worse than the baseline: bleu -2.000 [-3.000, -1.000] on test.",
                'For 3 of 4 rows of test it wrote the same: "yes"',
            ],
        ),
    ],
)
def test_notes(metrics: dict[str, Any], notes: list[str]) -> None:
    assert result_notes(metrics) == notes
