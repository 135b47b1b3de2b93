"""The folder that an image is built from."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

pytest.importorskip("uvicorn")

from tests.core.runs.kit import zoo

import taskzoo


def test_the_folder_holds_what_the_image_needs(run_of: Callable[[str], Path], tmp_path: Path, monkeypatch) -> None:
    run = run_of("single")
    target = tmp_path / "a" / "image"
    result = zoo("serve", run, f"tags={run_of('ner')}", "--write-docker", target)
    assert (result.code, result.out) == (0, "")
    assert "docker compose up --build" in result.err
    assert {path.name for path in target.iterdir()} == {
        "Dockerfile",
        "compose.yaml",
        "constraints.txt",
        "models",
        "requirements.txt",
        "wheels",
    }
    assert (target / "requirements.txt").read_text() == f"taskzoo[serve]=={taskzoo.__version__}\n"
    assert "torch==" in (target / "constraints.txt").read_text()
    dockerfile = (target / "Dockerfile").read_text()
    for copied in re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE):
        assert all((target / name).exists() for name in copied.split())
    command = json.loads(re.findall(r"^ENTRYPOINT (.*)$", dockerfile, re.MULTILINE)[0])
    assert command == ["zoo", "serve", "single=models/single", "tags=models/tags", "--host", "0.0.0.0"]
    (service,) = yaml.safe_load((target / "compose.yaml").read_text())["services"].values()
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    monkeypatch.chdir(target)
    copied = taskzoo.load("models/single").predict("the good film")
    assert copied == taskzoo.load(run).predict("the good film")


@pytest.mark.parametrize("name", ["on", "2024", "1e3", "A.b-c_d"])
def test_a_service_is_named_by_text(run_of: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    """Without quotes, YAML takes some names for truth values and numbers, and compose refuses these."""
    assert zoo("serve", f"{name}={run_of('single')}", "--write-docker", tmp_path / "x").code == 0
    assert list(yaml.safe_load((tmp_path / "x" / "compose.yaml").read_text())["services"]) == [name.lower()]


@pytest.mark.parametrize("option", ["--api-key", "--min-confidence", "--set", "--max-chars", "--port", "--host"])
def test_options_of_a_server_are_not_lost_in_silence(
    run_of: Callable[[str], Path], tmp_path: Path, monkeypatch, option: str
) -> None:
    value = {"--set": "num_beams=2", "--max-chars": "20000", "--port": "9000"}.get(option, "0.5")
    result = zoo("serve", run_of("single"), "--write-docker", tmp_path / "x", option, value)
    assert (result.code, f"{option} is for serving" in result.err) == (2, True), result.err
    assert not (tmp_path / "x").exists()
    instead = {
        "--port": "docker run -p 127.0.0.1:9000:8000",
        "--host": "docker run -p ADDRESS",
        "--api-key": "ZOO_API_KEY",
    }
    assert instead.get(option, f"docker run IMAGE {option}") in " ".join(result.err.split())
    monkeypatch.setenv("ZOO_API_KEY", "a secret")
    assert zoo("serve", run_of("single"), "--write-docker", tmp_path / "x").code == 0
    texts = [path.read_text() for path in (tmp_path / "x").iterdir() if path.is_file()]
    assert texts
    assert not any("a secret" in text for text in texts)


def test_what_cannot_be_written_leaves_nothing(run_of: Callable[[str], Path], tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    result = zoo("serve", run_of("single"), "--write-docker", full)
    assert (result.code, "is not an empty folder" in result.err) == (2, True)
    assert [path.name for path in full.iterdir()] == ["mine"]
    assert zoo("serve", tmp_path / "none", "--write-docker", tmp_path / "x").code == 2
    own = tmp_path / "own"
    shutil.copytree(run_of("single") / "model", own)
    saved = json.loads((own / "task.json").read_text())
    saved["task"]["distribution"] = None
    (own / "task.json").write_text(json.dumps(saved))
    result = zoo("serve", own, "--write-docker", tmp_path / "x")
    assert (result.code, "has no package that an image could install" in result.err) == (2, True)
    assert not (tmp_path / "x").exists()


def test_a_task_of_another_package_is_installed_with_it(run_of: Callable[[str], Path], tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(run_of("single") / "model", own)
    saved = json.loads((own / "task.json").read_text())
    saved["task"] |= {"distribution": "taskzoo-haiku", "version": "1.2"}
    (own / "task.json").write_text(json.dumps(saved))
    assert zoo("serve", own, "--write-docker", tmp_path / "x").code == 0
    assert "taskzoo-haiku==1.2\n" in (tmp_path / "x" / "requirements.txt").read_text()
