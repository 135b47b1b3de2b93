"""Which arithmetic a run gets, and what is refused."""

from __future__ import annotations

import pytest
import torch

from taskzoo.engine import precision as module
from taskzoo.engine.precision import FP16_OVERFLOWS, make_accelerator, resolve_precision
from taskzoo.errors import RequestError, UnknownNameError


@pytest.fixture
def machine(monkeypatch):
    def make(*, cuda: bool, native_bf16: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: native_bf16)
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


def test_an_unknown_precision_names_the_nearest(machine):
    machine(cuda=False, native_bf16=True)
    with pytest.raises(UnknownNameError, match="Did you mean 'fp16'"):
        resolve_precision("f16")


def test_accelerators_may_follow_each_other():
    assert make_accelerator("bf16").mixed_precision == "bf16"
    assert make_accelerator("fp32").mixed_precision == "no"
