"""What belongs to the process is as it was before: random numbers, and the state of accelerate."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState

from taskzoo.engine.cudnn import without_cudnn_attention
from taskzoo.engine.evaluation import Predictor
from taskzoo.engine.precision import make_accelerator
from taskzoo.engine.random_state import seeded
from taskzoo.errors import RequestError
from taskzoo.types import Encoded

from .kit import TaggingTask, fit, make_features, make_tagger


def draw() -> list[float]:
    return [random.random(), float(np.random.random()), float(torch.rand(1))]


def test_random_numbers_go_on_where_they_were() -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = [draw(), draw()]
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    found = [draw()]
    with seeded(5):
        first = draw()
        with seeded(6):
            draw()
        draw()
    failed: list[list[float]] = []

    def fail() -> None:
        with seeded(5):
            failed.append(draw())
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert failed == [first]
    assert [*found, draw()] == expected


def test_a_second_training_in_another_thread_is_refused() -> None:
    errors: list[str] = []

    def train() -> None:
        try:
            with seeded(1):
                pass
        except RequestError as error:
            errors.append(str(error))

    with seeded(1):
        other = threading.Thread(target=train)
        other.start()
        other.join()
    assert len(errors) == 1
    assert errors[0].startswith("Another training runs in this process")
    train()
    assert len(errors) == 1


@pytest.mark.parametrize("own", [True, False])
def test_the_accelerator_of_the_caller_is_left_alone(tmp_path, own: bool) -> None:
    classes = (PartialState, AcceleratorState, GradientState)
    callers = Accelerator(mixed_precision="bf16") if own else None
    before = [(cls._shared_state, dict(cls._shared_state)) for cls in classes]
    accelerator = make_accelerator("fp32")
    assert accelerator.mixed_precision == "no"
    assert accelerator.is_main_process
    accelerator.wait_for_everyone()
    fit(make_tagger(), make_features(8), tmp_path)
    for cls, (state, content) in zip(classes, before, strict=True):
        assert cls._shared_state is state
        assert state == content
    if callers is not None:
        assert callers.mixed_precision == "bf16"
        AcceleratorState._reset_state()


def test_torch_may_take_the_attention_of_cudnn_only_outside(tmp_path) -> None:
    """Also where two are within in two threads, and the first to come is the first to go."""
    flags, seen = torch.backends.cuda, list[bool]()

    class Watched(TaggingTask):
        def forward(self, model, batch):
            seen.append(flags.cudnn_sdp_enabled())
            return super().forward(model, batch)

    try:
        for before in (True, False):
            flags.enable_cudnn_sdp(before)
            first, second = without_cudnn_attention(), without_cudnn_attention()
            first.__enter__()
            second.__enter__()
            first.__exit__(None, None, None)
            assert not flags.cudnn_sdp_enabled()
            second.__exit__(None, None, None)
            assert flags.cudnn_sdp_enabled() is before
        flags.enable_cudnn_sdp(True)
        model, features = make_tagger(), make_features(8)
        fit(model, features, tmp_path, task=Watched())
        Predictor(Watched(), model, None, make_accelerator("fp32")).decode(Encoded(features), 8)
        assert flags.cudnn_sdp_enabled()
        assert len(seen) > 1
        assert not any(seen)
    finally:
        flags.enable_cudnn_sdp(True)
