"""``zoo serve RUN --write-docker DIR``: all that an image needs, in one folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskzoo import __version__
from taskzoo.errors import RequestError
from taskzoo.installation import tested_versions
from taskzoo.runs.directory import TASK_FILE
from taskzoo.runs.exported import is_export, read_export
from taskzoo.runs.task_file import read_task

DOCKERFILE = """\
# Build: docker build -t {image} .{hint}
FROM python:3.11-slim
RUN useradd --create-home zoo
WORKDIR /srv
COPY requirements.txt constraints.txt ./
# Wheels in this folder are found before those of the index: for packages that no index has.
COPY wheels wheels
{install}
COPY models models
USER zoo
ENV HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --start-period=60s --timeout=5s CMD ["python", "-c", \\
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["zoo", "serve", {models}, "--host", "0.0.0.0"]
CMD []
"""

GPU_HINT = "    A GPU: --build-arg TORCH_INDEX=https://pypi.org/simple"
WITH_TORCH = """\
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" {torch} \\
 && pip install --no-cache-dir --find-links wheels -c constraints.txt -r requirements.txt"""
WITHOUT_TORCH = """\
RUN pip install --no-cache-dir --find-links wheels -c constraints.txt -r requirements.txt \\
 && pip install --no-cache-dir --find-links wheels --no-deps {taskzoo}"""
LEAN = [
    *("numpy", "packaging", "platformdirs", "pluggy", "pydantic", "PyYAML", "regex", "rich", "safetensors"),
    *("tokenizers", "typer", "starlette", "uvicorn", "prometheus-client"),
]
"""What serving an export takes, besides its runtime."""
RUNTIMES = {"onnx": ["onnxruntime"], "ctranslate2": ["ctranslate2", "sentencepiece"]}
"""Kind of export -> its packages."""

COMPOSE = """\
# Start: docker compose up --build    With a key: ZOO_API_KEY=... docker compose up
services:
  "{image}":
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
    recipe = _recipe(models)
    image = next(iter(models)).lower()
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.absolute().parent) as unfinished:
        made = Path(unfinished) / "docker"
        (made / "wheels").mkdir(parents=True)
        (made / "wheels" / ".keep").touch()
        for name, source in models.items():
            shutil.copytree(source, made / "models" / name)
        arguments = ", ".join(f'"{name}=models/{name}"' for name in models)
        files = {
            "Dockerfile": DOCKERFILE.format(image=image, hint=recipe.hint, install=recipe.install, models=arguments),
            "compose.yaml": COMPOSE.format(image=image),
            "requirements.txt": "".join(f"{package}\n" for package in recipe.requirements),
            "constraints.txt": "".join(f"{name}=={version}\n" for name, version in tested_versions().items()),
        }
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        os.replace(made, folder)
    named = ", ".join(recipe.own)
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


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How an image is made.

    Args:
        install: lines of the Dockerfile.
        requirements: what they install by name.
        own: taskzoo and the packages of tasks.
        hint: a comment on building it.
    """

    install: str
    requirements: Sequence[str]
    own: Sequence[str]
    hint: str = ""


def _recipe(models: Mapping[str, Path]) -> _Recipe:
    """With this version and the packages of tasks; without torch where all models are exports of the core's tasks."""
    runtimes = sorted({read_export(folder).kind for folder in models.values() if is_export(folder)})
    others = _packages_of_tasks(models)
    if not others and all(map(is_export, models.values())):
        taskzoo = f"taskzoo=={__version__}"
        needed = [*LEAN, *(package for runtime in runtimes for package in RUNTIMES[runtime])]
        return _Recipe(WITHOUT_TORCH.format(taskzoo=taskzoo), needed, [taskzoo])
    own = [f"taskzoo[{','.join(['serve', *runtimes])}]=={__version__}", *others]
    pinned = tested_versions()
    torch = f"torch=={pinned['torch']}" if "torch" in pinned else "torch"
    return _Recipe(WITH_TORCH.format(torch=torch), own, own, GPU_HINT)


def _packages_of_tasks(models: Mapping[str, Path]) -> list[str]:
    found: dict[str, None] = {}
    for folder in models.values():
        task = read_task(folder / TASK_FILE).task
        if task["distribution"] is None:
            raise RequestError(f"The task {task['name']!r} has no package that an image could install; make one first.")
        if task["distribution"] != "taskzoo":
            found[f"{task['distribution']}=={task['version']}"] = None
    return list(found)
