"""Throughput and response times of ``zoo serve`` under load, with batching and without.

    python benchmarks/serve.py RUN
    python benchmarks/serve.py RUN --clients 64 --requests 2000 --out figures.json

The server runs in a process of its own on the loopback interface. Each client has one connection and sends its next
request when it has the answer to the one before. Texts are 1 to 120 words of the run's own input, mixed; every arm gets
the same ones in the same order. ``single`` is the server with ``--batch-inputs 1``. A client is an asyncio task; all of
them share one process. CPU time is that of server and clients for a request; it depends less than the clock on what
else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from common import Figures, write_results

from taskzoo.testing.serving import serving

ARMS = {"single": ["--batch-inputs", "1"], "batched": []}
WARM_UP, IN_FLIGHT = 5, 10
"""Seconds before the measurement, which takes as long at least, and for the last answers and the end of the server."""
WORDS = ("the", "film", "was", "good", "bad", "Paris", "Ada", "Lovelace", "very", "plot", "we", "saw", "again", "slow")
SHARES = ((0.6, 1, 15), (0.3, 15, 50), (0.1, 50, 120))
"""Share of texts, and their least and greatest number of words."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a finished run")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=240, help="the longest time for all")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--serve", nargs="*", default=[], help="further options of zoo serve, without their dashes")
    parser.add_argument("--out", type=Path, help="write all figures here as JSON, after each arm")
    arguments = parser.parse_args()
    texts = mixed_texts(arguments.requests)
    results: dict[str, Figures] = {}
    further = [word if place % 2 else f"--{word}" for place, word in enumerate(arguments.serve)]
    end = time.perf_counter() + arguments.seconds
    for number, arm in enumerate(arguments.arms):
        now = time.perf_counter()
        until = now + (end - now) / (len(arguments.arms) - number)
        results[arm] = measure(arguments.run, [*ARMS[arm], *further], texts, arguments.clients, until)
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


def measure(run: str, options: Sequence[str], texts: Sequence[str], clients: int, until: float) -> Figures:
    """Start a server, load it until all texts are answered or the clock says ``until``, stop it; the figures."""
    with serving([run], *options) as server:
        asyncio.run(load(server.port, texts[:64], 8, time.perf_counter() + WARM_UP))
        before, own = cpu_seconds(server.pid), time.process_time()
        least = time.perf_counter() + WARM_UP
        figures = asyncio.run(load(server.port, texts, clients, max(until - IN_FLIGHT, least)))
        figures["cpu_ms"] = 1000 * (cpu_seconds(server.pid) - before) / figures["requests"]
        figures["client_ms"] = 1000 * (time.process_time() - own) / figures["requests"]
    return figures


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


async def load(port: int, texts: Sequence[str], clients: int, until: float) -> Figures:
    """Send all texts, or as many as until then; requests per second and percentiles of milliseconds."""
    waiting = iter(texts)
    took: list[float] = []
    statuses: dict[int, int] = {}
    begin = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for text in waiting:
            started = time.perf_counter()
            if started > until:
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
    heads = ["server", "requests/s", "CPU ms", "client's CPU ms", "p50 ms", "p95 ms", "p99 ms", "answered"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for arm, found in results.items():
        spent = f"{found['cpu_ms']:.1f} | {found['client_ms']:.1f}"
        times = " | ".join(f"{found[name]:.0f}" for name in ("p50_ms", "p95_ms", "p99_ms"))
        answered = f"{found['statuses'].get(200, 0)} of {found['requests']}"
        lines.append(f"| {arm} | {found['per_second']:.1f} | {spent} | {times} | {answered} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
