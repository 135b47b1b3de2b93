"""Which arithmetic a run gets, and what is refused."""

from __future__ import annotations

import pytest
import torch

from taskzoo.engine import precision as module
from taskzoo.engine.precision import FP16_OVERFLOWS, make_accelerator, own_precision, resolve_precision
from taskzoo.errors import RequestError, UnknownNameError


@pytest.fixture
def machine(monkeypatch):
    def make(*, cuda: bool, native_bf16: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native_bf16)
        monkeypatch.setattr(module, "cpu_has_bf16", lambda: native_bf16)

    return make


@pytest.mark.parametrize("cuda", [True, False])
@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "fp32")])
def test_auto_is_bf16_only_where_it_is_native(machine, cuda, native, expected):
    machine(cuda=cuda, native_bf16=native)
    assert resolve_precision("auto") == expected


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_what_is_asked_for_is_taken(machine, asked):
    machine(cuda=False, native_bf16=False)
    assert resolve_precision(asked, family="t5") == asked


def test_fp16_needs_cuda(machine):
    machine(cuda=False, native_bf16=True)
    with pytest.raises(RequestError, match="fp16 needs a CUDA device"):
        resolve_precision("fp16", family="bert")


@pytest.mark.parametrize("family", sorted(FP16_OVERFLOWS))
def test_fp16_is_refused_for_the_t5_family(machine, family):
    machine(cuda=True, native_bf16=True)
    with pytest.raises(RequestError, match=f"overflows in {family} models; use bf16 or fp32"):
        resolve_precision("fp16", family=family)


def test_fp16_is_fine_on_cuda_for_others(machine):
    machine(cuda=True, native_bf16=True)
    assert resolve_precision("fp16", family="bert") == "fp16"


@pytest.mark.parametrize(
    ("trained", "cuda", "native", "expected"),
    [
        ("fp32", True, True, "fp32"),
        ("fp16", True, True, "fp16"),
        ("fp16", True, False, "fp16"),
        ("fp16", False, True, "bf16"),
        ("fp16", False, False, "fp32"),
        ("bf16", True, False, "fp32"),
        ("bf16", False, True, "bf16"),
    ],
)
def test_a_run_is_loaded_in_its_own_precision_where_that_is_possible(machine, trained, cuda, native, expected):
    machine(cuda=cuda, native_bf16=native)
    assert own_precision(trained) == expected


@pytest.mark.parametrize(("processes", "gpus"), [(2, 1), (3, 2)])
def test_more_processes_than_gpus_are_refused(machine, monkeypatch, processes, gpus):
    machine(cuda=True, native_bf16=True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setenv("TASKZOO_PROCESSES", str(processes))
    with pytest.raises(RequestError, match=rf"{processes} processes were asked for, and this machine has {gpus} GPU"):
        make_accelerator("bf16")


def test_an_unknown_precision_names_the_nearest(machine):
    machine(cuda=False, native_bf16=True)
    with pytest.raises(UnknownNameError, match="Did you mean 'fp16'"):
        resolve_precision("f16")


def test_accelerators_may_follow_each_other():
    assert make_accelerator("bf16").mixed_precision == "bf16"
    assert make_accelerator("fp32").mixed_precision == "no"
