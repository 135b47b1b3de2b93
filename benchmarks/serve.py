"""Throughput and response times of ``zoo serve`` under load, with batching and without.

    python benchmarks/serve.py RUN
    python benchmarks/serve.py RUN --clients 64 --requests 2000 --out figures.json

The server runs in a process of its own on the loopback interface. Each client has one connection and sends its next
request when it has the answer to the one before. Texts are 1 to 120 words of the run's own input, mixed; every arm gets
the same ones in the same order. ``single`` is the server with ``--batch-inputs 1``. A client is an asyncio task; all of
them share one process, whose time counts against the server where both share their cores. CPU time is the server's own,
for a request, and hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from common import Figures, write_results

ARMS = {"single": ["--batch-inputs", "1"], "batched": []}
WORDS = ("the", "film", "was", "good", "bad", "Paris", "Ada", "Lovelace", "very", "plot", "we", "saw", "again", "slow")
SHARES = ((0.6, 1, 15), (0.3, 15, 50), (0.1, 50, 120))
"""Share of texts, and their least and greatest number of words."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a finished run")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=70, help="the longest time for an arm")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--serve", nargs="*", default=[], help="further options of zoo serve, without their dashes")
    parser.add_argument("--out", type=Path, help="write all figures here as JSON, after each arm")
    arguments = parser.parse_args()
    texts = mixed_texts(arguments.requests)
    results: dict[str, Figures] = {}
    for arm in arguments.arms:
        further = [word if place % 2 else f"--{word}" for place, word in enumerate(arguments.serve)]
        results[arm] = measure(arguments.run, [*ARMS[arm], *further], texts, arguments)
        write_results(arguments.out, results)
    print(table(results))


def mixed_texts(count: int, seed: int = 0) -> list[str]:
    """Texts of mixed length, no two alike."""
    draw = random.Random(seed)
    lengths = draw.choices(SHARES, [share for share, _, _ in SHARES], k=count)
    return [
        f"{' '.join(draw.choices(WORDS, k=draw.randint(least, most)))} {number}"
        for number, (_, least, most) in enumerate(lengths)
    ]


def measure(run: str, options: Sequence[str], texts: Sequence[str], arguments: argparse.Namespace) -> Figures:
    """Start a server, load it, stop it; the figures of the load."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "taskzoo", "serve", run, "--port", str(port), *options]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        while "Serving" not in (line := server.stderr.readline()):
            if not line:
                raise SystemExit("the server did not start")
        asyncio.run(load(port, texts[:64], 8, 10))  # warm up
        before = cpu_seconds(server.pid)
        figures = asyncio.run(load(port, texts, arguments.clients, arguments.seconds))
        figures["cpu_ms"] = 1000 * (cpu_seconds(server.pid) - before) / figures["requests"]
    finally:
        server.terminate()
        server.wait(60)
    figures["exit_code"] = server.returncode
    return figures


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


async def load(port: int, texts: Sequence[str], clients: int, seconds: float) -> Figures:
    """Send all texts, or as many as the time allows; requests per second and percentiles of milliseconds."""
    waiting = iter(texts)
    took: list[float] = []
    statuses: dict[int, int] = {}
    begin = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for text in waiting:
            started = time.perf_counter()
            if started - begin > seconds:
                break
            status, answer = await ask(reader, writer, text)
            took.append(1000 * (time.perf_counter() - started))
            statuses[status] = statuses.get(status, 0) + 1
            if status == 200 and text not in answer.values():
                raise SystemExit("an answer was to another text")
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    total = time.perf_counter() - begin
    ranked = sorted(took)
    percentiles = {f"p{p}_ms": ranked[min(len(ranked) - 1, int(len(ranked) * p / 100))] for p in (50, 95, 99)}
    return {"requests": len(took), "per_second": len(took) / total, **percentiles, "statuses": statuses}


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> tuple[int, Any]:
    """One request on an open connection: status and answer."""
    body = json.dumps({"inputs": text}).encode()
    writer.write(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split()[0])
    return int(head.split()[1]), json.loads(await reader.readexactly(length))


def table(results: dict[str, Figures]) -> str:
    """The figures as Markdown."""
    lines = ["| server | requests/s | CPU ms | p50 ms | p95 ms | p99 ms | answered |", "|---|---|---|---|---|---|---|"]
    for arm, found in results.items():
        times = " | ".join(f"{found[name]:.0f}" for name in ("p50_ms", "p95_ms", "p99_ms"))
        answered = f"{found['statuses'].get(200, 0)} of {found['requests']}"
        lines.append(f"| {arm} | {found['per_second']:.1f} | {found['cpu_ms']:.1f} | {times} | {answered} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
