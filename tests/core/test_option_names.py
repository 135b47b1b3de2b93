"""Messages name options as the person who reads them gives them: on the command line, or in Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

import taskzoo
from taskzoo.errors import RequestError
from taskzoo.option_names import on_command_line, option_name, setting_name

ROWS = "text,code\n" + "".join(f"text {number},{number % 2}\n" for number in range(30))


@pytest.mark.parametrize(
    ("value", "typed", "python"),
    [
        ("", "--group-by", "`group_by`"),
        ("NAME", "--group-by NAME", 'group_by="NAME"'),
        (True, "--group-by", "group_by=True"),
        ({"a": "1", "b": "x y"}, "--group-by a=1,b=x y", 'group_by={"a": "1", "b": "x y"}'),
    ],
)
def test_both_forms_of_an_option(value: object, typed: str, python: str) -> None:
    with on_command_line():
        assert option_name("group_by", value) == typed
    assert option_name("group_by", value) == python


def test_both_forms_of_settings() -> None:
    words = "source_lang=en max_new_tokens=N"
    with on_command_line():
        assert setting_name(words) == f"--set {words}"
    assert setting_name(words) == 'source_lang="en", max_new_tokens=N'


@pytest.mark.parametrize(
    ("columns", "more", "typed", "python"),
    [
        ({}, {}, "name it with --columns label=NAME", 'name it with columns={"label": "NAME"}'),
        ({"label": "code"}, {"group_by": "id"}, "name it with --group-by NAME", 'name it with group_by="NAME"'),
        ({"label": "code"}, {"group_by": ":"}, "zoo: --group-by ':' is not", "`group_by` ':' is not"),
        ({"label": "code"}, {"holdout": "15"}, "--holdout 15 leaves", "`holdout` 15 leaves"),
        ({"label": "code"}, {"unlabelled": "rest"}, "--unlabelled rest takes", 'unlabelled="rest" takes'),
        ({"label": "code"}, {"model": "rows.csv"}, "; --model takes", "; `model` takes"),
    ],
)
def test_a_person_reads_the_form_that_can_be_copied(
    columns: dict[str, str],
    more: dict[str, str],
    typed: str,
    python: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS, encoding="utf-8")
    values = {"model": "scratch:bert-tiny", "train": "rows.csv", **more}
    words = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]
    words += ["--columns", ",".join(f"{role}={name}" for role, name in columns.items())] if columns else []
    result = zoo("run", "classification", *words)
    assert (result.code, typed in result.err) == (2, True), result.err
    with pytest.raises(RequestError) as caught:
        taskzoo.finetune("classification", columns=columns, **values)
    assert python in str(caught.value)
    assert "--" not in str(caught.value)


def test_rows_in_memory(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"train:1: no column for label; .*columns=\{\"label\": \"NAME\"\}"):
        taskzoo.finetune("classification", model="scratch:bert-tiny", train=[{"text": "a", "code": 1}])
