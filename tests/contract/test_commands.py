"""``zoo check`` and ``zoo new``: a new package keeps the contract as it stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


def zoo(*words: str, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(site) if site else "", *sys.path]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "taskzoo", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280)


def test_a_new_package_keeps_the_contract(tmp_path: Path) -> None:
    """Installed by hand, as an editable install leaves it: metadata beside a path."""
    made = zoo("new", "rhyme-scheme", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    package = tmp_path / "taskzoo-rhyme-scheme"
    files = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}
    module = "taskzoo_rhyme_scheme"
    parts = ("__init__", "task", "head", "collator", "loss", "metrics")
    assert {f"{module}/{name}.py" for name in parts} | {"pyproject.toml", "README.md"} <= files
    assert not any("@" in file.read_text(encoding="utf-8").replace("@hook", "").replace("@data", "").replace(
        "@class", "") for file in package.rglob("*.*") if file.is_file())  # fmt: skip
    info = package / "taskzoo_rhyme_scheme-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: taskzoo-rhyme-scheme\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[taskzoo]\nrhyme-scheme = {module}\n")
    checked = zoo("check", "rhyme-scheme", "--json", cwd=tmp_path, site=package)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    results = json.loads(checked.stdout)
    assert all(result["ok"] for result in results)
    assert len(results) >= 14


@pytest.mark.slow
@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling to build")
def test_a_new_package_installs(tmp_path: Path) -> None:
    assert zoo("new", "rhyme", "--output", "here", cwd=tmp_path).returncode == 0
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", "site"]
    subprocess.run([*install, "./here"], cwd=tmp_path, check=True, timeout=120)
    listed = zoo("tasks", cwd=tmp_path, site=tmp_path / "site")
    assert "taskzoo-rhyme" in listed.stdout
    checked = zoo("check", "rhyme", "--set", "lora=true", cwd=tmp_path, site=tmp_path / "site")
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
        "from taskzoo import TaskSpec, hookimpl\n\n\n@hookimpl\ndef taskzoo_register_tasks(register):\n"
        "    register(TaskSpec('broken', 'zoo_broken.task:Task', summary='s', columns={'text': 't'}))\n"
    )
    info = tmp_path / "zoo_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[taskzoo]\nbroken = zoo_broken\n")
    checked = zoo("check", "broken", "--json", cwd=tmp_path, site=tmp_path)
    assert checked.returncode == 1
    results = json.loads(checked.stdout)
    assert not any(result["ok"] for result in results)
    assert "no demo set" in results[0]["reason"]
