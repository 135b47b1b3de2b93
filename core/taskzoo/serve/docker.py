"""``zoo serve RUN --write-docker DIR``: all that an image needs, in one folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from taskzoo import __version__
from taskzoo.errors import RequestError
from taskzoo.installation import tested_versions
from taskzoo.runs.directory import TASK_FILE
from taskzoo.runs.exported import is_export
from taskzoo.runs.task_file import read_task

DOCKERFILE = """\
# Build: docker build -t {image} .    A GPU: --build-arg TORCH_INDEX=https://pypi.org/simple
FROM python:3.11-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN useradd --create-home zoo
WORKDIR /srv
COPY requirements.txt constraints.txt ./
# Wheels in this folder are found before those of the index: for packages that no index has.
COPY wheels wheels
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" {torch} \\
 && pip install --no-cache-dir --find-links wheels -c constraints.txt -r requirements.txt
COPY models models
USER zoo
ENV HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --start-period=60s --timeout=5s CMD ["python", "-c", \\
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["zoo", "serve", {models}, "--host", "0.0.0.0"]
CMD []
"""

COMPOSE = """\
# Start: docker compose up --build    With a key: ZOO_API_KEY=... docker compose up
services:
  {image}:
    build: .
    ports:
      - "127.0.0.1:8000:8000"
    environment:
      ZOO_API_KEY: ${{ZOO_API_KEY:-}}
    read_only: true
    tmpfs:
      - /tmp
    restart: unless-stopped
    stop_grace_period: 90s
"""


def write_docker_files(target: str, runs: Mapping[str, str]) -> list[str]:
    """Write Dockerfile, compose file, requirements and copies of the models.

    Args:
        target: a folder that does not exist yet, or is empty.
        runs: name -> run directory.

    Returns:
        What a person does next, a line each.

    Raises:
        RequestError: the folder is in use, a run is not finished, or its task is not in a package.
    """
    folder = Path(target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"--write-docker {target!r} is not an empty folder; choose another one.")
    models = {name: _model_folder(run) for name, run in runs.items()}
    packages = _requirements(models)
    image = next(iter(models)).lower()
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.absolute().parent) as unfinished:
        made = Path(unfinished) / "docker"
        (made / "wheels").mkdir(parents=True)
        (made / "wheels" / ".keep").touch()
        for name, source in models.items():
            shutil.copytree(source, made / "models" / name)
        pinned = tested_versions()
        torch = f"torch=={pinned['torch']}" if "torch" in pinned else "torch"
        arguments = ", ".join(f'"{name}=models/{name}"' for name in models)
        files = {
            "Dockerfile": DOCKERFILE.format(image=image, torch=torch, models=arguments),
            "compose.yaml": COMPOSE.format(image=image),
            "requirements.txt": "".join(f"{package}\n" for package in packages),
            "constraints.txt": "".join(f"{name}=={version}\n" for name, version in pinned.items()),
        }
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        os.replace(made, folder)
    named = ", ".join(packages)
    return [
        f"Written to {target}: Dockerfile, compose.yaml, requirements.txt, constraints.txt, models.",
        f"Put wheels of what no package index has ({named}) into {folder / 'wheels'}, then: docker compose up --build",
    ]


def _model_folder(run: str) -> Path:
    root = Path(run)
    folder = root if (root / TASK_FILE).is_file() else root / "model"
    if not (folder / TASK_FILE).is_file():
        raise RequestError(f"{run!r} is not a finished run: it has no model/{TASK_FILE}.")
    return folder


def _requirements(models: Mapping[str, Path]) -> list[str]:
    """What the image installs: this version with its server, and the packages of tasks that are not the core's."""
    extras = "serve,onnx" if any(map(is_export, models.values())) else "serve"
    found = {f"taskzoo[{extras}]=={__version__}": None}
    for folder in models.values():
        task = read_task(folder / TASK_FILE).task
        if task["distribution"] is None:
            raise RequestError(f"The task {task['name']!r} has no package that an image could install; make one first.")
        if task["distribution"] != "taskzoo":
            found[f"{task['distribution']}=={task['version']}"] = None
    return list(found)
