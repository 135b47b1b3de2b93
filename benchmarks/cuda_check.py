"""What zoo does on a CUDA device, in under 8 minutes: its tests, training speed, prediction and resuming.

    python benchmarks/cuda_check.py --out results.jsonl
    python benchmarks/cuda_check.py --out results.jsonl --device cpu --tiny

Each part runs in a process of its own and appends a line of JSON for each result to ``--out``, so that what fails or
takes too long costs its own part alone; what the processes print goes to a ``.log`` beside it. Models have base size
and random weights and are made here, as is all text, so that no network is needed. ``--device cpu --tiny`` tries the
script itself: its figures mean nothing. The package and its plugins need not be installed; what they depend on must be.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib import metadata
from pathlib import Path

from on_cuda.results import Results, read
from on_cuda.summary import summary

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 465
"""What all parts may take together."""
LEAST = 5
"""A part that would have less time is left out."""


def paths(folder: Path) -> list[str]:
    """What must be on the path of a process that is to find the package and its plugins."""
    found = [] if importlib.util.find_spec("taskzoo") else [str(ROOT / "core"), str(ROOT / "plugins")]
    if found or not metadata.entry_points(group="taskzoo"):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        facts = folder / f"taskzoo-{project['version']}.dist-info"
        facts.mkdir(parents=True, exist_ok=True)
        head = f"Metadata-Version: 2.1\nName: taskzoo\nVersion: {project['version']}\n"
        (facts / "METADATA").write_text(head, encoding="utf-8")
        points = [f"{name} = {module}\n" for name, module in project["entry-points"]["taskzoo"].items()]
        (facts / "entry_points.txt").write_text("".join(["[taskzoo]\n", *points]), encoding="utf-8")
        found.append(str(folder))
    return found


def environment(folder: Path, device: str, part: str) -> dict[str, str]:
    """That of a part's process: no network, and where bits are compared, products that can be repeated."""
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    values = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*paths(folder / "metadata"), *given]),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if part == "resume" or part.startswith("tests"):
        values["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return values | ({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})


def run_part(name: str, arguments: argparse.Namespace, folder: Path, seconds: float) -> None:
    """One part in a process that is ended after ``seconds``; how it ended is a line if it ended badly."""
    command = [sys.executable, __file__, "--part", name, "--out", str(arguments.out), "--seconds", str(seconds)]
    command += ["--device", arguments.device, "--work", str(folder), *(["--tiny"] if arguments.tiny else [])]
    log = arguments.out.with_suffix(".log")
    with log.open("ab") as output:
        before = output.tell()
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(folder, arguments.device, name),
            start_new_session=True,
        )
        try:
            code: int | str = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = f"ended after {seconds:.0f} s, which was its time"
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if code != 0:
        said = log.read_bytes()[before:].decode(errors="replace")[-1500:]
        error = code if isinstance(code, str) else f"{said}\nexit code {code}"
        Results(arguments.out, name, 0.0).write("process", error=error, said=said)


def check(arguments: argparse.Namespace) -> int:
    """All parts, in order of value, as long as there is time; then the summary."""
    import torch
    from on_cuda.parts import PARTS

    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device that torch can use. To try this script: --device cpu --tiny", file=sys.stderr)
        return 2
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    for path in (arguments.out, arguments.out.with_suffix(".log")):
        path.unlink(missing_ok=True)
    ends = time.monotonic() + arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        names = arguments.parts or list(PARTS)
        for place, name in enumerate(names):
            shares = [PARTS[following][1] for following in names[place:]]
            left = (ends - time.monotonic()) * shares[0] / sum(shares)
            if left < LEAST:
                Results(arguments.out, name, 0.0).write("process", skipped="no time is left")
                continue
            print(f"{name}: up to {left:.0f} s", flush=True)
            run_part(name, arguments, Path(folder), left)
    lines = read(arguments.out)
    print(summary(lines))
    return 1 if any(line.get("error") for line in lines) else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("cuda-check.jsonl"), help="file of results")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--tiny", action="store_true", help="models of two narrow layers and few rows, to try the script"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time for all parts")
    parser.add_argument("--parts", nargs="+", metavar="PART", help="only these")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # within the process of a part
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if not arguments.part:
        return check(arguments)
    from on_cuda.models import BASE, TINY
    from on_cuda.parts import run

    ends = time.monotonic() + arguments.seconds
    run(arguments.part, Results(arguments.out, arguments.part, ends), TINY if arguments.tiny else BASE, arguments.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
