"""docs/contract.md is what the code says, and members are called when it says so."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import taskzoo
from taskzoo import Task
from taskzoo.task import Objective

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return script("generate_contract")


@pytest.fixture(scope="module")
def calls() -> ModuleType:
    return script("contract_calls")


def declared() -> dict[str, Any]:
    """The public members of the contract by name."""
    found = {**vars(Objective), **vars(Task)}
    return {name: member for name, member in found.items() if not name.startswith("_")}


def test_the_page_is_up_to_date(generator: ModuleType) -> None:
    page = (DOCS / "contract.md").read_text(encoding="utf-8")
    assert page == generator.reference(), "docs/contract.md is stale; run: python docs/generate_contract.py"


def test_every_member_of_a_task_has_its_section(generator: ModuleType) -> None:
    page = generator.reference()
    for name, member in declared().items():
        owner = "Objective" if name in vars(Objective) else "Task"
        part = page.split(f"### {owner}.{name}\n")[1].split("\n#")[0]
        if getattr(member, "__isabstractmethod__", False):
            assert "**Must be written.**" in part, name
        assert len(part.strip().splitlines()) > 2, f"{name} has no docstring"


def test_a_stale_page_fails_the_check(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generator, "FILE", tmp_path / "contract.md")
    monkeypatch.setattr("sys.argv", ["generate_contract.py", "--check"])
    assert generator.main() == 1
    assert "is stale" in capsys.readouterr().err
    assert not (tmp_path / "contract.md").exists()


def test_of_every_member_it_is_said_when_it_is_called(calls: ModuleType) -> None:
    ordered = {name for stage in calls.RUN.values() for name in stage}
    told = ordered | {*calls.LOAD, *calls.PREDICT, *calls.EVALUATE, *calls.ELSEWHERE}
    called = {
        name for name, member in declared().items() if callable(member) or isinstance(member, property | classmethod)
    }
    assert called - told == set(), "contract_calls.py does not say when these are called"
    assert told - called == {"__init__"}, "there are no such members"
    for name, (_, file) in calls.ELSEWHERE.items():
        code = (ROOT / "core" / "taskzoo" / file).read_text(encoding="utf-8")
        assert f".{name}" in code, f"{file} does not call {name}"


def recorder(cls: type[Task], calls: list[str], **members: Any) -> type[Task]:
    """A subclass that appends the name of each member to ``calls`` when it is called or read."""

    def method(name: str, found: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(found)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return found(self, *args, **kwargs)

        return call

    for name in ("__init__", *declared()):
        found = inspect.getattr_static(cls, name, None)
        if name == "baseline":  # a task that overrides it has one
            continue
        if isinstance(found, property):
            members[name] = property(method(name, found.fget))  # type: ignore[arg-type]
        elif callable(found):
            members[name] = method(name, found)
    return type("Recorded", (cls,), members)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[type[Task], list[str]]]:
    """The task that ``zoo new --kind custom`` writes, recorded, and its calls."""
    from taskzoo.testing.new_package import write_package

    folder = write_package("recorded", tmp_path_factory.mktemp("package") / "recorded", "custom")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        specs: list[Any] = []
        importlib.import_module("taskzoo_recorded").taskzoo_register_tasks(specs.append)
        module, _, name = specs[0].entry_point.partition(":")
        calls: list[str] = []
        yield recorder(getattr(importlib.import_module(module), name), calls, spec=specs[0]), calls
    for name in [name for name in sys.modules if name.startswith("taskzoo_recorded")]:
        del sys.modules[name]


def test_members_are_called_in_the_order_that_the_page_gives(
    recorded: tuple[type[Task], list[str]], calls: ModuleType, tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    cls, made = recorded
    rows = [{"text": f"{word} number {i}", "label": word} for i in range(6) for word in ("soup", "rain")]

    def order() -> list[str]:
        found = list(dict.fromkeys(made))
        made.clear()
        return found

    splits: Any = {"train": rows[:8], "validation": rows[8:10], "test": rows[10:]}
    settings: Any = {"method": "full", "max_steps": 1, "precision": "fp32", "model": str(tiny_checkpoint("bert"))}
    path = taskzoo.finetune(cls, output=tmp_path / "run", **splits, **settings).path
    assert order() == [name for stage in calls.RUN.values() for name in stage]
    run = taskzoo.load(path, task=cls)
    assert order() == list(calls.LOAD)
    run.predict(["soup again"])
    assert order() == list(calls.PREDICT)
    run.evaluate(rows[:4])
    assert order() == list(calls.EVALUATE)
