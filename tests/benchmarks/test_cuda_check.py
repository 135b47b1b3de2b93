"""The script that is to run on a GPU, as far as it runs on a CPU: a part of it here, all of it in the slow test."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "cuda_check.py"
PARTS = ["device", "resume", "tests", "tests-unpadded", "tests-graphs", "encoder", "decoder", "encoder-decoder"]
PARTS += ["prediction", "generation", "attention", "unpadded", "graphs"]


def run(out: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, object]]]:
    command = [sys.executable, str(SCRIPT), "--out", str(out), "--device", "cpu", "--tiny", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    return ended, [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_results_are_there_line_by_line_and_an_error_costs_its_own(tmp_path):
    from on_cuda.results import Results, read
    from on_cuda.summary import summary

    path = tmp_path / "results.jsonl"
    results = Results(path, "encoder", float("inf"))
    speeds = {"tokens_per_second": 300.0, "mfu": 0.4, "peak_gib": 1.5}
    for arm, factor in (("zoo", 1), ("Trainer", 0.5)):
        with results.measured("encoder bf16 full") as found:
            found.update(arm=arm, **speeds | {"tokens_per_second": 300.0 * factor})
    with results.measured("broken") as found:
        found["arm"] = "zoo"
        raise ValueError("no such kernel")
    late = Results(path, "prediction", 0.0)
    with late.measured("predict fp32", seconds=5) as found:
        assert found["skipped"]
    path.write_text(path.read_text() + '{"part": "cut')
    lines = read(path)
    assert [line["name"] for line in lines] == ["encoder bf16 full", "encoder bf16 full", "broken", "predict fp32"]
    text = summary(lines)
    assert "encoder bf16 full  300.0      150.0          2.00" in text
    assert "FAILED encoder broken zoo: ValueError: no such kernel" in text
    assert "left out: prediction (no time is left): predict fp32" in text


def test_operations_of_a_model_are_those_of_its_products():
    import torch
    from on_cuda.flops import Work, peak, work_of
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import BertConfig, BertModel

    assert peak("NVIDIA H200", "bf16") == 989.4e12
    assert peak("NVIDIA H100 PCIe", "fp32") == 51e12
    assert peak("something", "bf16") is None
    size = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertModel(BertConfig(vocab_size=50, **size), add_pooling_layer=False)
    work = work_of(model, "encoder")
    assert work == Work("encoder", (3 * (4 * 32 * 32 + 2 * 32 * 64), 3, 32))
    counter = FlopCounterMode(display=False)
    with counter:
        model(input_ids=torch.ones(2, 16, dtype=torch.long)).last_hidden_state.sum().backward()
    assert work.training([(16, 0), (16, 0)], adapters=False) == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_a_checkout_that_is_not_installed_has_its_plugins(tmp_path, monkeypatch):
    import cuda_check

    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    (folder,) = cuda_check.paths(tmp_path / "metadata")
    (found,) = metadata.distributions(name="taskzoo", path=[folder])
    assert {point.name for point in found.entry_points if point.group == "taskzoo"} >= {"taskzoo", "ner", "translation"}


def test_nothing_more_is_tried_after_an_error_of_the_device(tmp_path):
    from on_cuda.results import Results, read

    results = Results(tmp_path / "results.jsonl", "encoder", float("inf"))
    for said in ("CUDA out of memory. Tried to allocate 2 GiB", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"):
        with results.measured("memory"):
            raise RuntimeError(said)
    with pytest.raises(SystemExit, match="The device failed in 'kernel'"), results.measured("kernel"):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    memory, products, kernel = read(results.path)
    assert "out of memory" in memory["error"]
    assert "ALLOC_FAILED" in products["error"]
    assert "illegal memory access" in kernel["error"]


def test_each_part_has_its_share_of_what_time_is_left(tmp_path, monkeypatch):
    import cuda_check

    shares = {"device": (None, 10), "tests": (None, 30), "encoder": (None, 10)}
    monkeypatch.setitem(sys.modules, "on_cuda.parts", SimpleNamespace(PARTS=shares))
    clock, given = [0.0], {}

    def run_part(name, arguments, folder, seconds):
        given[name] = seconds
        clock[0] += {"device": 5, "tests": seconds, "encoder": 1}[name]

    monkeypatch.setattr(cuda_check, "run_part", run_part)
    monkeypatch.setattr(cuda_check, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    out = tmp_path / "results.jsonl"
    assert cuda_check.check(Namespace(out=out, device="cpu", tiny=True, seconds=105.0, parts=None)) == 0
    assert given == {"device": 21.0, "tests": 75.0, "encoder": 25.0}


@pytest.mark.slow
def test_the_whole_script_runs_on_a_cpu(tmp_path):
    ended, lines = run(tmp_path / "results.jsonl", "--parts", *PARTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {line["part"] for line in lines} == set(PARTS)
    assert not [line for line in lines if line.get("error")]
    speeds = {(line["name"], line["arm"]): line["tokens_per_second"] for line in lines if "tokens_per_second" in line}
    assert {f"{kind} fp32 full" for kind in ("encoder", "decoder", "encoder-decoder")} <= {name for name, _ in speeds}
    assert all(value > 0 for value in speeds.values())
    alone = {name for name, _ in speeds if name.endswith("unpadded")}
    assert len(alone) == 3
    assert len(speeds) == 2 * len({name for name, _ in speeds} - alone) + 3
    tokens = [line["tokens_of_epoch"] for line in lines if line["name"] == "encoder fp32 full"]
    assert tokens[0] == tokens[1] > 16 * 5
    assert all(line["resumed_equal"] for line in lines if "resumed_equal" in line)
    compared = [line for line in lines if str(line["name"]).endswith("fp32") and "same" in line]
    assert len(compared) == 2
    assert all(line["same"] == line["inputs"] for line in compared)


def test_a_part_that_takes_too_long_costs_only_itself(tmp_path, monkeypatch):
    import cuda_check

    script = tmp_path / "script.py"
    script.write_text("import time; print('begun', flush=True); time.sleep(60)")
    monkeypatch.setattr(cuda_check, "__file__", str(script))
    arguments = Namespace(out=tmp_path / "results.jsonl", device="cpu", tiny=True)
    cuda_check.run_part("encoder", arguments, tmp_path, 1.0)
    script.write_text("raise SystemExit('no such device')")
    cuda_check.run_part("decoder", arguments, tmp_path, 20.0)
    late, failed = [json.loads(line) for line in arguments.out.read_text(encoding="utf-8").splitlines()]
    assert (late["part"], late["error"]) == ("encoder", "ended after 1 s, which was its time")
    assert "no such device" in failed["error"]
    assert failed["error"].endswith("exit code 1")


def test_the_device_is_measured(tmp_path):
    from on_cuda import models, parts
    from on_cuda.results import Results, read

    results = Results(tmp_path / "results.jsonl", "device", float("inf"))
    parts.device(results, models.TINY, tmp_path)
    machine, *ceilings = read(results.path)
    assert machine["torch"]
    assert {line["name"]: line.get("error") for line in ceilings} == dict.fromkeys(
        ("matmul bfloat16", "matmul float32", "copy")
    )
