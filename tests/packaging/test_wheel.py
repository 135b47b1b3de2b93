"""The wheel holds everything, and works from a folder that is not the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_source_file_is_in_the_wheel(names):
    for source in ("core", "plugins"):
        for file in (ROOT / source).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert str(file.relative_to(ROOT / source).as_posix()) in names


def test_data_files_and_markers(names):
    assert {"taskzoo/registry.yaml", "taskzoo/constraints.txt"} <= names
    assert {
        f"taskzoo_{task}/recipes.yaml" for task in ("classification", "ner", "summarization", "translation")
    } <= names
    assert "taskzoo/py.typed" in names
    assert {f"taskzoo_ner/demo/{split}.conll" for split in ("train", "validation", "test")} <= names


def test_nothing_else_is_in_the_wheel(names):
    tops = {name.split("/")[0] for name in names}
    plugins = {path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").is_file()}
    (info,) = (top for top in tops if top.endswith(".dist-info"))
    assert tops == {"taskzoo", info, *plugins}
    assert not [name for name in names if name.endswith(".pyc")]


def test_every_plugin_has_its_entry_point(wheel, names):
    with zipfile.ZipFile(wheel) as archive:
        (file,) = (name for name in names if name.endswith("entry_points.txt"))
        text = archive.read(file).decode()
    assert "zoo = taskzoo.cli:main" in text
    assert "taskzoo = taskzoo.builtin" in text
    for plugin in {name.split("/")[0] for name in names if name.startswith("taskzoo_")}:
        assert f"= {plugin}" in text


def test_it_works_from_another_folder(wheel, tmp_path):
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def zoo(*arguments: str) -> str:
        command = [sys.executable, "-m", "taskzoo", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    where = [sys.executable, "-c", "import taskzoo, taskzoo_ner; print(taskzoo.__file__, taskzoo_ner.__file__)"]
    found = subprocess.run(where, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path).stdout
    assert found.count(str(target)) == 2
    assert "ner" in {task["name"] for task in json.loads(zoo("tasks", "--json"))}
    assert "minilm" in zoo("models")
    assert "learning_rate=0.0001" in zoo("info", "ner")
    short = ["--set", "max_steps=1", "--batch-size", "2", "--precision", "fp32", "--json", "--quiet"]
    model = tiny_model(tmp_path / "bert")
    run = json.loads(zoo("run", "ner", "--model", str(model), *short, "--output", "run"))
    assert run["metrics"].keys() == {"validation", "test", "baseline", "verdict"}


def tiny_model(folder: Path) -> Path:
    from taskzoo.testing import make_tiny_checkpoint

    return make_tiny_checkpoint(folder, "bert", ["some words to make a tokenizer of"], vocabulary=60)
