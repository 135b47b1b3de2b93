"""What is printed after a run."""

from __future__ import annotations

import json
import shlex

import pytest

from taskzoo import Column, TaskSpec
from taskzoo.cli.results import example_input

TEXT, PAIR = Column("a text"), Column("another text", required=True)
LABEL = Column("a label", required=True, target=True)


@pytest.mark.parametrize(
    "columns", [{"text": PAIR, "label": LABEL}, {"text": TEXT, "label": LABEL}, {"tokens": TEXT, "text": TEXT}]
)
def test_one_text_is_enough(columns: dict[str, Column]) -> None:
    assert example_input(TaskSpec(id="a", contract=2, columns=columns)) == '"some text"'


def test_a_task_with_two_required_inputs_takes_json() -> None:
    spec = TaskSpec(id="a", contract=2, columns={"question": PAIR, "context": PAIR, "answers": LABEL, "id": TEXT})
    option, value = shlex.split(example_input(spec))
    assert option == "--json"
    assert json.loads(value) == {"question": "...", "context": "..."}
