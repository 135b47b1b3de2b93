"""Do what a Dockerfile of ``zoo serve --write-docker`` says, without docker, and ask the server that comes of it.

    zoo serve runs/demo --write-docker image
    pip wheel --no-deps -w image/wheels .
    python tools/check_docker.py image

A new virtual environment stands for the base image and a new folder for its files. Each COPY and RUN is done in turn
(but those that make users), then the health check and the entry point, which is asked and stopped. It may write no
file, since the compose file makes its file system read only. What this cannot show: the base image, users, docker's
network.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PORT = 8000


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, help="the folder that was written")
    parser.add_argument("--text", default="Ada Lovelace lived in London.", help="what the first model is asked")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        check(arguments.image, Path(folder), arguments.text)


def check(image: Path, root: Path, text: str) -> None:
    """Build in ``root`` what ``image`` says, and use it."""
    subprocess.run([sys.executable, "-m", "venv", str(root / "venv")], check=True)
    work = root / "srv"
    work.mkdir()
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    path = f"{root / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = known | {"PATH": path, "HOME": str(root / "home"), "ZOO_API_KEY": ""}  # as the compose file has it
    entry: list[str] = []
    probe: list[str] = []
    for word, rest in instructions(image / "Dockerfile"):
        print(f"{word} {rest}", flush=True)
        if word == "ARG":
            name, _, value = rest.partition("=")
            environment.setdefault(name, value)
        elif word == "ENV":
            environment |= dict(pair.split("=", 1) for pair in rest.split())
        elif word == "COPY":
            *sources, target = rest.split()
            copy([image / source for source in sources], work / target)
        elif word == "RUN" and "useradd" not in rest:
            subprocess.run(["sh", "-c", rest], cwd=work, env=environment | {"HOME": str(root)}, check=True)
        elif word == "HEALTHCHECK":
            probe = json.loads(rest[rest.index("[") :])
        elif word == "ENTRYPOINT":
            entry = json.loads(rest)
    before = files(work)
    server = subprocess.Popen(entry, cwd=work, env=environment | {"PYTHONDONTWRITEBYTECODE": "1"})
    try:
        for _ in range(120):
            time.sleep(1)
            if subprocess.run(probe, cwd=work, env=environment, capture_output=True, check=False).returncode == 0:
                break
            if server.poll() is not None:
                raise SystemExit("the server ended")
        else:
            raise SystemExit("the server is not healthy")
        ask(text)
    finally:
        server.terminate()
        code = server.wait(60)
    if written := (files(work) - before) | files(root / "home"):
        raise SystemExit(f"the server wrote files: {', '.join(map(str, written))}")
    packages = subprocess.run(["du", "-sm", str(root / "venv")], capture_output=True, text=True, check=True).stdout
    print(f"ended with {code}; {packages.split()[0]} MB of packages, Python's pip among them")


def files(folder: Path) -> set[Path]:
    """All files in it."""
    return {path for path in folder.rglob("*") if path.is_file()}


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Instruction and arguments, continued lines joined."""
    joined = dockerfile.read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, re.sub(r"\s+", " ", rest)) for word, _, rest in (line.partition(" ") for line in lines)]


def copy(sources: list[Path], target: Path) -> None:
    """As COPY does: files go into the folder, and of a folder its content."""
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


def ask(text: str) -> None:
    """The models of the server, and a prediction of the first."""
    url = f"http://127.0.0.1:{PORT}"
    with urllib.request.urlopen(f"{url}/models", timeout=30) as response:
        models = json.load(response)["models"]
    body = json.dumps({"inputs": dict.fromkeys(models[0]["inputs"], text)}).encode()
    with urllib.request.urlopen(f"{url}/predict/{models[0]['name']}", body, timeout=60) as response:
        print([model["name"] for model in models], response.read().decode(), end="")


if __name__ == "__main__":
    main()
