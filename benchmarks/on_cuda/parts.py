"""What ``cuda_check.py`` measures, a function for each part. Each writes its lines as it goes."""

from __future__ import annotations

import importlib
import itertools
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from .models import Size, prepare
from .results import Results, is_of_device

PRECISIONS, METHODS = ("bf16", "fp32", "fp16"), ("full", "lora")
ROOT = Path(__file__).resolve().parents[2]


def device(results: Results, size: Size, folder: Path) -> None:
    """The machine, its libraries, and what its matrix units and memory really do: the ceilings of all else."""
    import torch

    with results.measured("machine") as found:
        found.update(python=platform.python_version(), cpus=os.cpu_count(), machine=platform.machine())
        for name in ("torch", "transformers", "accelerate", "peft", "numpy", "bitsandbytes"):
            try:
                found[name] = getattr(importlib.import_module(name), "__version__", "?")
            except ImportError:
                found[name] = None
        if torch.cuda.is_available():
            facts = torch.cuda.get_device_properties(0)
            found.update(device=facts.name, gib=round(facts.total_memory / 2**30, 1), cuda=torch.version.cuda)
            found.update(cudnn=torch.backends.cudnn.version())
            found.update(
                capability=f"{facts.major}.{facts.minor}", bf16=torch.cuda.is_bf16_supported(including_emulation=False)
            )
    place = "cuda" if torch.cuda.is_available() else "cpu"
    side, repeats = (128, 2) if size.tiny else (8192, 10)
    for dtype in (torch.bfloat16, torch.float32):
        with results.measured(f"matmul {dtype}".replace("torch.", "")) as found:
            left, right = (torch.randn(side, side, device=place, dtype=dtype) for _ in range(2))
            seconds = _seconds(lambda left=left, right=right: left @ right, repeats)
            found.update(tflops=round(2 * side**3 / seconds / 1e12, 2))
    with results.measured("copy") as found:
        block = torch.empty(2**16 if size.tiny else 2**32, dtype=torch.uint8, device=place).random_()
        target = torch.empty_like(block)
        seconds = _seconds(lambda: target.copy_(block), repeats)
        found.update(tb_per_second=round(2 * block.numel() / seconds / 1e12, 3))


def attention(results: Results, size: Size, folder: Path) -> None:
    """Attention with torch's own choice of kernels and without cuDNN's: at a new shape, and again.

    zoo leaves cuDNN's out, as it makes a plan for each shape. Then the same for whole trainings by ``Trainer``.
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attend

    from .arms import Arm, now, train_peer

    on_gpu = torch.cuda.is_available()
    place, dtype = ("cuda", torch.bfloat16) if on_gpu else ("cpu", torch.float32)
    batch, heads, widths = (2, 2, (8, 16)) if size.tiny else (size.batch, 12, tuple(range(40, 200, 8)))
    caller = torch.backends.cuda.cudnn_sdp_enabled()
    try:
        for cudnn in (True, False):
            torch.backends.cuda.enable_cudnn_sdp(cudnn)
            for masked in (True, False):
                name = f"attention {'masked' if masked else 'whole'} {'with' if cudnn else 'without'} cuDNN"
                with results.measured(name) as found:
                    if "skipped" in found:
                        continue
                    first, again = [], []
                    for width in widths:
                        q, k, v = torch.randn(3, batch, heads, width, 64, device=place, dtype=dtype).requires_grad_()
                        mask = torch.ones(batch, 1, width, width, device=place, dtype=torch.bool) if masked else None
                        for times in (first, again):
                            began = now()
                            attend(q, k, v, attn_mask=mask).sum().backward()
                            times.append(1000 * (now() - began))
                    # the first shape of all loads libraries
                    found.update(new_shape_ms=round(median(first[1:]), 3), again_ms=round(median(again[1:]), 3))
            if not on_gpu:
                continue
            with results.measured(f"encoder bf16 full {'with' if cudnn else 'without'} cuDNN", seconds=6) as found:
                found["arm"] = "Trainer"
                if "skipped" not in found:
                    found.update(train_peer(Arm(prepare("encoder", size, folder), "bf16", "full")))
    finally:
        torch.backends.cuda.enable_cudnn_sdp(caller)


def _seconds(work: Callable[[], Any], repeats: int) -> float:
    from .arms import now

    for _ in range(2):
        work()
    began = now()
    for _ in range(repeats):
        work()
    return (now() - began) / repeats


def training(kind: str, results: Results, size: Size, folder: Path) -> None:
    """Precisions and methods, zoo and ``Trainer`` in turn."""
    import torch

    from .arms import Arm, train_peer, train_zoo

    material = prepare(kind, size, folder)
    for precision, method in itertools.product(PRECISIONS, METHODS):
        if size.tiny and (precision == "fp16" or method == "lora") and not torch.cuda.is_available():
            if precision == "fp16":
                results.write(f"{kind} fp16 {method}", skipped="fp16 needs a CUDA device")
                continue
            if precision == "bf16":
                continue
        arm = Arm(material, precision, method)
        for who, train in (("zoo", train_zoo), ("Trainer", train_peer)):
            with results.measured(f"{kind} {precision} {method}", seconds=0 if size.tiny else 6) as found:
                found["arm"] = who
                if "skipped" not in found:
                    found.update(train(arm))


def compiled(results: Results, size: Size, folder: Path) -> None:
    """``compile=true`` against ``torch_compile=True``, after a first epoch in which both compile."""
    from .arms import Arm, train_peer, train_zoo

    for kind in ("encoder", "decoder"):
        arm = Arm(prepare(kind, size, folder), "bf16", "full", compile=True)
        for who, train in (("zoo", train_zoo), ("Trainer", train_peer)):
            with results.measured(f"{kind} bf16 full compiled", seconds=0 if size.tiny else 20) as found:
                found["arm"] = who
                if "skipped" not in found:
                    found.update(train(arm))


def graphs(results: Results, size: Size, folder: Path) -> None:
    """``cuda_graphs=true``, whose figures are to be compared with those of the same model without it."""
    import torch

    from .arms import Arm, train_zoo

    with results.measured("encoder bf16 full graphs") as found:
        found["arm"] = "zoo"
        if not torch.cuda.is_available():
            found["skipped"] = "CUDA graphs need a CUDA device"
            return
        found.update(train_zoo(Arm(prepare("encoder", size, folder), "bf16", "full", compile=True, cuda_graphs=True)))


def unpadded(results: Results, size: Size, folder: Path) -> None:
    """``unpadded=true``, whose figures are to be compared with those of the same model without it."""
    from .arms import Arm, train_zoo

    for kind in ("encoder", "decoder", "encoder-decoder"):
        arm = Arm(prepare(kind, size, folder), "bf16", "full", unpadded=True)
        with results.measured(f"{kind} bf16 full unpadded", seconds=0 if size.tiny else 6) as found:
            found["arm"] = "zoo"
            if "skipped" not in found:
                found.update(train_zoo(arm))


def prediction(results: Results, size: Size, folder: Path) -> None:
    """Labels of many texts: ``Run.predict`` and ``pipeline`` on the same finished run, in fp32 and bf16."""
    import torch
    from transformers import pipeline

    from .arms import now
    from .models import Texts

    texts = [f"{number} {Texts(size, number).text(*size.length)}" for number in range(3)]
    source = Texts(size, 7)
    texts += [source.text(*size.length) for _ in range(size.inputs - 3)]
    for precision in ("fp32", "bf16"):
        with results.measured(f"predict {precision}") as found:
            run = _short_run("encoder", precision, size, folder)
            labels, seconds = _timed_predict(run, texts)
            on = 0 if torch.cuda.is_available() else -1
            dtype = torch.bfloat16 if precision == "bf16" else torch.float32
            plain = pipeline("text-classification", model=str(run.path / "model"), device=on, dtype=dtype)
            plain(texts[:64], batch_size=64, truncation=True)
            began = now()
            expected = [one["label"] for one in plain(texts, batch_size=64, truncation=True)]
            theirs = now() - began
            same = sum(a["label"] == b for a, b in zip(labels, expected, strict=True))
            found.update(zoo_per_second=round(len(texts) / seconds, 1), plain_per_second=round(len(texts) / theirs, 1))
            found.update(same=same, inputs=len(texts))


def generation(results: Results, size: Size, folder: Path) -> None:
    """Greedy output for sources: ``Run.predict`` and ``model.generate`` in batches, in fp32 and bf16."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from .arms import now
    from .models import Texts

    source = Texts(size, 8)
    texts = [source.text(*size.length) for _ in range(size.generated)]
    for precision in ("fp32", "bf16"):
        with results.measured(f"generate {precision}", seconds=0 if size.tiny else 15) as found:
            if "skipped" in found:
                continue
            run = _short_run("encoder-decoder", precision, size, folder)
            rows, seconds = _timed_predict(run, texts)
            place = "cuda" if torch.cuda.is_available() else "cpu"
            tokenizer = AutoTokenizer.from_pretrained(run.path / "model")
            dtype = torch.bfloat16 if precision == "bf16" else torch.float32
            plain = AutoModelForSeq2SeqLM.from_pretrained(run.path / "model", dtype=dtype).to(place).eval()
            expected: list[str] = []
            began = now()
            for start in range(0, len(texts), 32):
                batch = tokenizer(texts[start : start + 32], return_tensors="pt", padding=True, truncation=True)
                with torch.no_grad():
                    ids = plain.generate(
                        input_ids=batch["input_ids"].to(place), attention_mask=batch["attention_mask"].to(place)
                    )
                expected += tokenizer.batch_decode(ids, skip_special_tokens=True)
            theirs = now() - began
            same = sum(a["text"].strip() == b.strip() for a, b in zip(rows, expected, strict=True))
            found.update(zoo_per_second=round(len(texts) / seconds, 2), plain_per_second=round(len(texts) / theirs, 2))
            found.update(same=same, inputs=len(texts))


def _short_run(kind: str, precision: str, size: Size, folder: Path) -> Any:
    """A run that has trained two steps: what it predicts is noise, but takes as long as anything else."""
    import taskzoo

    from .models import TASKS

    material = prepare(kind, size, folder)
    own = {"max_new_tokens": size.new_tokens, "num_beams": 1} if kind != "encoder" else {"class_weights": "none"}
    output = folder / f"run-{kind}-{precision}"
    return taskzoo.finetune(
        TASKS[kind],
        model=str(material.checkpoint),
        train=str(material.train),
        validation="none",
        test="none",
        output=output,
        precision=precision,
        method="full",
        probe_first=False,
        baseline=False,
        max_steps=2,
        batch_size=size.batch,
        **own,
    )


def _timed_predict(run: Any, texts: list[str]) -> tuple[list[Any], float]:
    from .arms import now

    run.predict(texts[:8])
    began = now()
    rows = run.predict(texts)
    return rows, now() - began


def resume(results: Results, size: Size, folder: Path) -> None:
    """Weights after training that was interrupted against those of an undisturbed one, bit for bit, with dropout."""
    import torch

    material = prepare("encoder", size, folder)
    torch.use_deterministic_algorithms(True)  # only then do kernels of attention add in one order
    try:
        for precision in ("fp32", "bf16", "fp16"):
            with results.measured(f"resume {precision}", seconds=0 if size.tiny else 10) as found:
                if precision == "fp16" and not torch.cuda.is_available():
                    found["skipped"] = "fp16 needs a CUDA device"
                if "skipped" in found:
                    continue
                train = partial(_weights_after, material, precision, folder)
                first, second = train("a"), train("b")
                broken = train("c", stop=3)
                found["undisturbed_equal"] = _equal(first, second)
                found["resumed_equal"] = _equal(first, broken)
                found["largest_difference"] = max(float((first[n] - broken[n]).abs().max()) for n in first)
    finally:
        torch.use_deterministic_algorithms(False)


def _weights_after(material: Any, precision: str, folder: Path, name: str, stop: int = 0) -> dict[str, Any]:
    """Weights after six steps; with ``stop``, of two trainings of which the first was stopped after that step."""
    from taskzoo.callbacks import Callback
    from taskzoo.engine.checkpoint import TrainingState
    from taskzoo.engine.progress import Silent
    from taskzoo.engine.random_state import seeded
    from taskzoo.errors import Interrupted
    from taskzoo.runs.loading import load_session
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    settings = {"max_steps": 6, "batch_size": 8, "log_every": 1, "learning_rate": 1e-4, "baseline": False}
    settings |= {"precision": precision, "method": "full", "probe_first": False, "class_weights": "none"}
    data = DataRequest(train=str(material.train), validation="none", test="none")
    request = RunRequest("classification", str(material.checkpoint), data, settings)
    state = TrainingState(folder / f"resume-{precision}-{name}")

    class Count(Callback):
        seen = 0

        def step(self, values: Any) -> None:
            self.seen = int(values["step"])

    for interrupted in (True, False) if stop else (False,):
        plan, count = make_plan(resolve_request(request)), Count()
        with seeded(1):
            loaded = load_session(plan, Silent(), folder)
            loaded.session.callbacks.append(count)
            if interrupted:
                loaded.session.stop = lambda count=count: count.seen >= stop - 1
            try:
                loaded.method.train(loaded.session, state)
                assert not interrupted, "The training was to be stopped and went on."
            except Interrupted:
                assert state.saved_step() == stop
            model = loaded.method.finish(loaded.session)
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def tests(names: tuple[str, ...], results: Results, size: Size, folder: Path) -> None:
    """Every test marked ``cuda`` of the files ``names``, a line each as soon as it has run.

    After an error of the device itself none is run any more: in its process nothing on the device works again.
    """
    import pytest

    class Recorder:
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.when != "call" and report.outcome == "passed":
                return
            text = report.longreprtext if report.outcome == "failed" else ""
            reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
            name, seconds = report.nodeid.split("/")[-1], round(report.duration, 2)
            results.write(name, outcome=report.outcome, took=seconds, error=text[-1500:] or None, reason=reason or None)
            if is_of_device(text):
                pytest.exit("The device failed; the tests that follow were not run.", 1)

    os.chdir(ROOT)
    code = pytest.main(["-q", "-m", "cuda", "-p", "no:cacheprovider", *names], [Recorder()])
    results.write("pytest", exit=int(code), error=None if code in (0, 5) else "Tests failed.")


PARTS: dict[str, tuple[Callable[[Results, Size, Path], None], float]] = {
    "device": (device, 20),
    "resume": (resume, 50),
    "tests": (
        partial(
            tests,
            ("tests/cuda/test_training.py", "tests/core/runs/test_strategies_of_runs.py", "tests/cuda/test_runs.py"),
        ),
        80,
    ),
    "tests-unpadded": (partial(tests, ("tests/cuda/test_unpadded.py",)), 30),
    "tests-graphs": (partial(tests, ("tests/cuda/test_cuda_graphs.py",)), 40),
    "encoder": (partial(training, "encoder"), 45),
    "decoder": (partial(training, "decoder"), 45),
    "encoder-decoder": (partial(training, "encoder-decoder"), 45),
    "prediction": (prediction, 25),
    "generation": (generation, 25),
    "attention": (attention, 20),
    "unpadded": (unpadded, 20),
    "graphs": (graphs, 30),
    "compiled": (compiled, 60),
}
"""In order of value, with the share of the time that each may take; what one leaves is for all that follow."""


def run(name: str, results: Results, size: Size, folder: Path) -> None:
    """One part; an error that is in no line becomes one."""
    began = time.monotonic()
    with results.measured(f"{name}, whole"):
        PARTS[name][0](results, size, folder)
    print(f"{name}: {time.monotonic() - began:.0f} s")
