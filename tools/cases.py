"""Run a folder of inputs that once failed, and say which of them are answered rightly now.

``python tools/cases.py --cases FOLDER [--only NAME ...] [--table FILE]``: every ``tools/cases/*.yaml`` lists cases by
the name of their folder, with commands, exit codes and what must be printed. Commands run in a copy of the folder.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent / "cases"


def patterns(value: str | list[str] | None) -> list[str]:
    """One pattern, several or none, as a list."""
    return [] if value is None else [value] if isinstance(value, str) else value


def failure(check: dict[str, Any], folder: Path) -> str | None:
    """What is wrong with one command's exit code or output, or None."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", check["command"]],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
    )
    output = done.stdout.decode(errors="replace")
    spaced = re.sub(r"\s+", " ", output)
    wrong = []
    if done.returncode != check.get("exit", 0):
        wrong.append(f"exit {done.returncode}, expected {check.get('exit', 0)}")
    if "Traceback (most recent call last)" in output:
        wrong.append("a traceback")
    wrong += [f"does not say {p!r}" for p in patterns(check.get("says")) if not re.search(p, spaced)]
    wrong += [f"says {p!r}" for p in patterns(check.get("not")) if re.search(p, spaced)]
    return f"$ {check['command'].strip()}\n{'; '.join(wrong)}\n{output[-2000:]}" if wrong else None


def main() -> int:
    """Run the cases that are asked for; exit code 1 if one of them fails or a folder has no entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--table", type=Path, help="also write a Markdown table of all cases")
    arguments = parser.parse_args()
    if not arguments.cases.is_dir():
        print(f"{arguments.cases} is not here; nothing to run.")
        return 0
    entries = [entry for file in sorted(HERE.glob("*.yaml")) for entry in yaml.safe_load(file.read_text())]
    chosen = [entry for entry in entries if not arguments.only or entry["case"] in arguments.only]
    missing = {folder.name for folder in arguments.cases.iterdir() if folder.is_dir()} - {e["case"] for e in entries}
    rows = []
    for entry in chosen:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / entry["case"]
            shutil.copytree(arguments.cases / entry["case"], folder)
            problems = [problem for check in entry["checks"] if (problem := failure(check, folder))]
        print(f"{'FAILED' if problems else 'ok':7}{entry['case']} ({time.monotonic() - began:.0f} s)", flush=True)
        print("\n".join(problems), end="\n" if problems else "", flush=True)
        rows.append((entry, not problems))
    if missing and not arguments.only:
        print("without an entry:", *sorted(missing))
    if arguments.table:
        lines = ["| case | before | now | seen today | test |", "|---|---|---|---|---|"]
        for entry, good in rows:
            cells = (entry["case"], entry["before"], entry["now"], "yes" if good else "no", f"`{entry['test']}`")
            lines.append(f"| {' | '.join(cells)} |")
        arguments.table.write_text("\n".join(lines) + "\n")
    return int(any(not good for _, good in rows) or bool(missing and not arguments.only))


if __name__ == "__main__":
    sys.exit(main())
