"""An export is served by a process without torch, with the answers of ``zoo predict``."""

from __future__ import annotations

import json
import re
import tomllib
import urllib.request
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo
from tests.without_torch import ZOO_WITHOUT_TORCH

pytest.importorskip("uvicorn")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

import taskzoo
from taskzoo.testing.serving import serving

TEXTS = ["rain number 4", "sun and </s> snow", "", "rain and sun " * 400]


def test_a_server_without_torch_gives_the_lines_of_zoo_predict(exported: Path) -> None:
    options = ["--coverage", "0.8", "--min-confidence", "0.6"]
    with serving([f"weather={exported}"], *options, zoo=ZOO_WITHOUT_TORCH) as server:
        body = json.dumps({"inputs": TEXTS}).encode()
        with urllib.request.urlopen(f"{server.url}/predict/weather", body, timeout=30) as response:
            found = json.load(response)
    lines = zoo(
        "predict", exported, *options, "--json", stdin="".join(json.dumps({"text": t}) + "\n" for t in TEXTS)
    ).out
    assert found == [json.loads(line) for line in lines.splitlines()]
    assert {"label_set", "abstained"} <= found[0].keys()


def test_an_image_of_exports_is_without_torch(exported: Path, tmp_path: Path) -> None:
    assert zoo("serve", f"weather={exported}", "--write-docker", tmp_path / "image").code == 0
    dockerfile = (tmp_path / "image" / "Dockerfile").read_text()
    assert "torch" not in dockerfile.lower()
    assert f"--no-deps taskzoo=={taskzoo.__version__}\n" in dockerfile
    required = (tmp_path / "image" / "requirements.txt").read_text().split()
    assert {"onnxruntime", "tokenizers", "uvicorn"} <= set(required)
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    known = [*project["dependencies"], *extras["serve"], *extras["onnx"]]
    names = {re.split(r"[^\w-]", needed)[0].lower() for needed in known}
    assert {name.lower() for name in required} - names == {"tokenizers"}  # which comes with transformers
