"""Peak memory and time of the loss over a large vocabulary: all logits at once, and in chunks.

    python benchmarks/vocabulary_loss.py

Every arm runs in a process of its own: forward and backward of a last linear layer with cross-entropy, of random
states, once to warm up and then ``--repeats`` times. ``plain`` multiplies states by the weight and calls torch's
``cross_entropy``; ``chunks`` is ``taskzoo.models.vocabulary_loss``. The bf16 arms keep states and weight in float32,
as autocast does.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from common import Figures, peak_mib, run_process, write_results

ARMS = ("plain-fp32", "plain-bf16", "chunks-fp32", "chunks-bf16")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=250_000, help="size of the vocabulary")
    parser.add_argument("--width", type=int, default=512, help="size of a state")
    parser.add_argument("--tokens", type=int, default=2048, help="target tokens of a step, all active")
    parser.add_argument("--smoothing", type=float, default=0.0, help="label smoothing")
    parser.add_argument("--chunk", type=int, default=0, help="tokens per chunk (0: the default)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--out", type=Path, help="write all figures here as JSON, after each arm")
    parser.add_argument("--one", choices=ARMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        import json

        print(json.dumps(measure(arguments.one, arguments)))
        return
    results: dict[str, Figures] = {}
    for arm in arguments.arms:
        results[arm] = run_process([sys.executable, *sys.argv, "--one", arm], arm)
        write_results(arguments.out, results)
    print(table(results))


def measure(arm: str, arguments: argparse.Namespace) -> Figures:
    """The median seconds of forward and backward, the loss per token, the gradients' norms, and the memory."""
    import statistics

    import torch
    from torch.nn import functional

    from taskzoo.models.vocabulary import HiddenStates
    from taskzoo.models.vocabulary_loss import vocabulary_cross_entropy

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    states = torch.randn(arguments.tokens, arguments.width).requires_grad_()
    weight = torch.randn(arguments.pieces, arguments.width).mul_(0.05).requires_grad_()
    targets = torch.randint(0, arguments.pieces, (arguments.tokens,))
    low = arm.endswith("bf16")
    figures: Figures = {}
    walls, processor = [], []
    for _ in range(1 + arguments.repeats):
        states.grad = weight.grad = None
        wall, cpu = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            if arm.startswith("chunks"):
                found = vocabulary_cross_entropy(
                    HiddenStates(states, weight),
                    targets,
                    label_smoothing=arguments.smoothing,
                    chunk_tokens=arguments.chunk,
                )
                loss = found.total / found.weight
            else:
                logits = states @ weight.T
                loss = functional.cross_entropy(logits.float(), targets, label_smoothing=arguments.smoothing)
                del logits
        torch.autograd.backward(loss)
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - cpu)
        assert states.grad is not None
        assert weight.grad is not None
        figures = {"loss": loss.item(), "norm": weight.grad.norm().item()}
        del loss
    return {
        **figures,
        "wall": statistics.median(walls[1:]),
        "cpu": statistics.median(processor[1:]),
        "peak_mib": peak_mib(),
    }


def table(results: dict[str, Figures]) -> str:
    """A Markdown table; memory is that of the whole process, with the weight, its gradient and the libraries."""
    lines = [
        "| arm | seconds | CPU s | peak MiB | loss | norm of the weight's gradient |",
        "|---" * 6 + "|",
    ]
    for arm, run in results.items():
        seconds, memory = f"{run['wall']:.1f} | {run['cpu']:.1f}", f"{run['peak_mib']:,.0f}"
        lines.append(f"| {arm} | {seconds} | {memory} | {run['loss']:.4f} | {run['norm']:.5f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
