"""The installation without torch of docs/export.md, really made: its size, and a prediction in it.

``python benchmarks/without_torch.py EXPORT TEXT`` builds the wheel of this repository, makes a fresh virtual
environment in a temporary folder, runs there the ``pip install`` lines that docs/export.md gives for the kind of the
export (with the wheel in the place of ``taskzoo`` and the versions of constraints.txt), and runs ``zoo predict EXPORT
TEXT`` in it.
It fails if torch or transformers got in, or if the prediction is not that of this environment's ``zoo predict``.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MISSING = ("torch", "transformers", "accelerate", "datasets", "scipy")


def pip_lines(kind: str) -> list[list[str]]:
    """The arguments of ``pip`` in the Dockerfile of docs/export.md whose image is for exports of ``kind``."""
    text = (ROOT / "docs/export.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```text\n(FROM .*?)```", text, flags=re.DOTALL)
    block = next(block for block in blocks if f"/{kind} " in block)
    commands = " ".join(block.replace("\\\n", " ").split("RUN ")[1].split("\nCOPY")[0].split())
    return [shlex.split(command)[1:] for command in commands.split(" && ")]


def size(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def run(*words: str | Path) -> str:
    """The output of a command that must succeed, run outside of the repository."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, cwd=tempfile.gettempdir())
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def main(export: Path, text: str) -> None:
    """Install, measure, predict."""
    kind = json.loads((export / "export.json").read_text(encoding="utf-8"))["kind"]
    expected = run(Path(sys.executable).parent / "zoo", "predict", export, text)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", place, ROOT)
        wheel = next(place.glob("taskzoo-*.whl"))
        venv.create(place / "venv", with_pip=True)
        python = place / "venv/bin/python"
        packages = Path(run(python, "-c", "import site; print(site.getsitepackages()[0])").strip())
        bare = size(packages)
        for line in pip_lines(kind):
            words = [str(wheel) if word == "taskzoo" else word for word in line]
            run(python, "-m", "pip", *words, "-q", "-c", ROOT / "constraints.txt")
        added = size(packages) - bare
        installed = {one["name"].lower() for one in json.loads(run(python, "-m", "pip", "list", "--format", "json"))}
        if unwanted := installed & set(MISSING):
            sys.exit(f"These got in: {', '.join(sorted(unwanted))}")
        found = run(place / "venv/bin/zoo", "predict", export, text)
    if found != expected:
        sys.exit(f"Other predictions: {found}, and here: {expected}")
    print(f"{kind}: {added / 1e6:.0f} MB of packages ({len(installed)} of them), prediction {found.strip()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2])
