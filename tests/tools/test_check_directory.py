"""The directory of plugins: each is installed and checked, and the results are written back."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools import check_directory
from tools.check_directory import Place, main

ROOT = Path(__file__).resolve().parents[2]
COMMENT = "# a comment that stays\n"
ENTRY = {"tasks": ["echo"], "brings": "an echo", "licence": "MIT"}
MODULE = """
from taskzoo import TaskSpec, hookimpl
from taskzoo.heads.text_options import TEXT_COLUMNS, TEXT_OPTIONS

@hookimpl
def taskzoo_register_tasks(register):
    register(TaskSpec(id="echo", contract=2, entry_point="taskzoo.heads.text_task:TextTask", summary="an echo",
                      columns=TEXT_COLUMNS, options=TEXT_OPTIONS))
"""


def listed(file: Path, **installs: str) -> Path:
    """A directory with these plugins, name -> line."""
    entries = [{"name": f"taskzoo-{name}", "install": line, **ENTRY} for name, line in installs.items()]
    file.write_text(COMMENT + yaml.safe_dump({"plugins": entries}), encoding="utf-8")
    return file


def results(file: Path) -> dict[str, Any]:
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))["plugins"]
    return {entry["name"]: entry for entry in entries}


def page_of(entries: list[dict[str, Any]]) -> str:
    spec = importlib.util.spec_from_file_location("generate_directory", ROOT / "docs" / "generate_directory.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page: str = module.page(entries)
    return page


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, str, str]]:
    """What commands say in the place of real ones: a word of the command -> exit code, output, errors."""
    verified = [{"kind": "task", "name": "echo", "status": "ok", "reason": ""}]
    said = {
        "install": (0, "", ""),
        "--verify": (0, json.dumps(verified), ""),
        "-c": (0, '["1.5", "0.2.0", 2]', ""),
        "check": (0, '[{"check": "spec", "status": "ok", "reason": ""}]', ""),
    }

    def run(self: Place, *words: str, limit: float = 0) -> subprocess.CompletedProcess[str]:
        word = next(word for word in ("install", "--verify", "check", "-c") if word in words)
        return subprocess.CompletedProcess(words, *said[word])

    monkeypatch.setattr(Place, "run", run)
    return said


def test_a_plugin_that_works_passes_and_is_dated(answers: dict[str, Any], tmp_path: Path) -> None:
    file = listed(tmp_path / "directory.yaml", echo="pip install taskzoo-echo", other="pip install taskzoo-other")
    assert main(["taskzoo-echo", "--fast", "--directory", str(file)]) == 0
    found = results(file)
    checked = found["taskzoo-echo"].pop("checked")
    assert found["taskzoo-echo"] == {
        "name": "taskzoo-echo",
        "install": "pip install taskzoo-echo",
        "contract": 2,
        **ENTRY,
    }
    assert {**checked, "date": ""} == {"version": "1.5", "taskzoo": "0.2.0", "date": "", "result": "passed"}
    assert "checked" not in found["taskzoo-other"]
    assert file.read_text(encoding="utf-8").startswith(COMMENT + "plugins:\n- ")


@pytest.mark.parametrize(
    ("word", "answer", "result"),
    [
        (
            "install",
            (1, "", "Looking.\nERROR: No matching distribution\n"),
            "it cannot be installed: ERROR: No matching",
        ),
        ("--verify", (2, "", "zoo: There is no plugin named 'taskzoo-echo'.\n"), "zoo: There is no plugin named"),
        (
            "--verify",
            (1, json.dumps([{"kind": "task", "name": "echo", "status": "failed", "reason": "no wings"}]), ""),
            "task echo: no wings",
        ),
        (
            "check",
            (1, json.dumps([{"check": "loss", "status": "failed", "reason": "a mean"}]), ""),
            "zoo check echo: loss: a mean",
        ),
        ("check", (1, "", ""), "exit code 1"),
    ],
)
def test_one_that_fails_is_named_and_the_rest_are_checked(
    answers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, answer: Any, result: str
) -> None:
    answers[word] = answer
    file = listed(tmp_path / "directory.yaml", echo="pip install taskzoo-echo")
    assert main(["--fast", "--directory", str(file)]) == 1
    entry = results(file)["taskzoo-echo"]
    assert f"failed: {result}" in entry["checked"]["result"]
    assert f"failed: {result}" in page_of([entry])


def test_lines_with_options_are_not_run(answers: dict[str, Any], tmp_path: Path) -> None:
    for line in ("pip install --index-url http://example.org x", "curl x", "pip install -e ."):
        file = listed(tmp_path / "directory.yaml", echo=line)
        assert main(["--fast", "--directory", str(file)]) == 1
        assert "not of the form `pip install NAME`" in results(file)["taskzoo-echo"]["checked"]["result"]


def test_an_unknown_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["taskzoo-ecco", "--directory", str(listed(tmp_path / "directory.yaml", echo="pip install x"))])
    assert "does not name taskzoo-ecco" in capsys.readouterr().err


def test_the_page_is_up_to_date_and_lists_every_example() -> None:
    entries = yaml.safe_load(check_directory.DATA.read_text(encoding="utf-8"))["plugins"]
    page = (ROOT / "docs" / "directory.md").read_text(encoding="utf-8")
    assert page == page_of(entries), "docs/directory.md is stale; run: python docs/generate_directory.py"
    packages = {file.parent.name for file in (ROOT / "examples").glob("*/pyproject.toml")}
    assert packages == {entry["name"] for entry in entries} - {"taskzoo"}


@pytest.mark.slow
def test_plugins_are_really_installed_and_verified(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="builds the packages")
    for name, code in {"echo": MODULE, "bad": "import a_module_that_is_not_there"}.items():
        package = tmp_path / name
        package.mkdir()
        (package / f"zoo_{name}.py").write_text(code)
        (package / "pyproject.toml").write_text(
            "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
            f"[project]\nname = 'taskzoo-{name}'\nversion = '1.5'\n"
            f"[project.entry-points.taskzoo]\n{name} = 'zoo_{name}'\n"
            f"[tool.hatch.build.targets.wheel]\ninclude = ['zoo_{name}.py']\n"
        )
    lines = {name: f"pip install {tmp_path / name}" for name in ("echo", "bad")}
    file = listed(tmp_path / "directory.yaml", **lines, gone=f"pip install {tmp_path / 'gone'}")
    assert main(["--fast", "--no-training", "--directory", str(file)]) == 1
    found = {name: entry["checked"] for name, entry in results(file).items()}
    assert (found["taskzoo-echo"]["result"], found["taskzoo-echo"]["version"]) == ("passed, without training", "1.5")
    assert "a_module_that_is_not_there" in found["taskzoo-bad"]["result"]
    assert "it cannot be installed" in found["taskzoo-gone"]["result"]
