"""The time of a training: told in advance, and kept within a limit."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from taskzoo.config import Training
from taskzoo.engine import pace
from taskzoo.engine.pace import Pace, duration
from taskzoo.engine.plan import StepPlan


class Clock:
    """A clock that goes on when told to."""

    def __init__(self):
        self.now = 1000.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    return clock


def make(clock, *, steps, seconds=0.0, validation=0, test=0):
    """A pace with a limit of ``seconds`` for ``steps`` steps of an epoch of 100, and what it says."""
    said = []
    session = SimpleNamespace(
        examples={"train": [None] * 800, "validation": [None] * validation, "test": [None] * test},
        reporter=SimpleNamespace(say=said.append),
        accelerator=SimpleNamespace(num_processes=1),
        settings=Training(time_limit=seconds / 60),
        ends=clock.now + seconds if seconds else None,
    )
    plan = StepPlan(100, steps, lambda number: [])
    return Pace(session, plan, evaluate_every=100), plan, said


def take(made, clock, plan, *, each, evaluation=0.0):
    """Take all steps, each of so many seconds, and evaluate after each epoch and at the end; their number."""
    step = 0
    while step < plan.last_step:
        step += 1
        clock.now += each
        made.step(step)
        if evaluation and (step % 100 == 0 or step >= plan.last_step):
            clock.now += evaluation
            made.evaluated(evaluation)
    return step


def test_nothing_is_said_of_a_short_training(clock):
    made, plan, said = make(clock, steps=50)
    assert take(made, clock, plan, each=1.0) == 50
    assert said == []


def test_a_long_training_is_announced(clock):
    made, plan, said = make(clock, steps=300)
    take(made, clock, plan, each=2.0)
    assert said == ["About 10 minutes of training: 289 more steps of 2 s."]
    made, plan, said = make(clock, steps=3000)
    take(made, clock, plan, each=2.0)
    assert said == [
        "About 1.7 hours of training: 2,989 more steps of 2 s. A time limit such as --time 10m makes it shorter."
    ]


@pytest.mark.parametrize("evaluation", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("limit", [60.0, 120.0, 600.0])
def test_a_limit_is_kept(clock, limit, evaluation):
    """What comes after training, the predictions for validation and test rows, has its time."""
    began = clock.now
    made, plan, said = make(clock, steps=10_000, seconds=limit, validation=100, test=200)
    clock.now += evaluation  # limited trainings begin with an evaluation
    made.evaluated(evaluation)
    steps = take(made, clock, plan, each=0.5, evaluation=evaluation)
    clock.now += 3 * evaluation
    assert clock.now - began <= max(limit, 5 * evaluation + 6)
    assert clock.now - began >= 0.8 * limit - evaluation
    assert said[0].endswith(f" of 10,000 steps ({steps / 100:.2g} epochs).") or evaluation


def test_a_limit_that_is_long_enough_changes_nothing(clock):
    made, plan, said = make(clock, steps=50, seconds=600)
    assert take(made, clock, plan, each=0.5, evaluation=1.0) == 50
    assert said == []


def test_a_limit_that_predictions_alone_take_is_said_to_be_too_short(clock):
    made, plan, said = make(clock, steps=1000, seconds=60, validation=100, test=300)
    made.evaluated(20.0)  # so a last evaluation and the predictions for both splits take 100 s
    clock.now += 20.0
    assert take(made, clock, plan, each=0.5) == 1
    assert said[0].startswith("The time limit leaves no time for more training: ")
    assert "The run will take about 2 minutes; fewer of these rows" in said[0]
    assert len(said) == 2


@pytest.mark.parametrize(("each", "steps"), [(20.0, 2), (8.0, 6), (4.9, 11)])
def test_a_limit_is_kept_where_there_is_no_time_for_ten_steps(clock, each, steps):
    began = clock.now
    made, plan, said = make(clock, steps=150, seconds=60)
    assert take(made, clock, plan, each=each) == steps
    assert clock.now - began <= 60
    assert said[0].startswith("The time limit leaves ")


def test_a_first_step_that_is_slow_does_not_end_the_training(clock):
    """As it is where layers are compiled."""
    made, plan, _ = make(clock, steps=150, seconds=120)
    clock.now += 20
    made.step(1)
    assert plan.last_step < 10
    for step in range(2, 12):
        clock.now += 0.5
        made.step(step)
    assert plan.last_step == 150


def test_a_limit_that_leaves_no_step_is_known_before_the_first(clock):
    made, plan, said = make(clock, steps=1000, seconds=60, validation=100, test=300)
    made.evaluated(20.0)
    assert made.leaves_none()
    assert (plan.last_step, made.shortened) == (0, True)
    (sentence,) = said
    assert sentence.startswith("The time limit leaves no time for training: ")
    assert "The run will take about 2 minutes; fewer of these rows" in sentence


@pytest.mark.parametrize(("seconds", "evaluation"), [(600, 20.0), (60, 0.0), (None, 20.0)])
def test_a_limit_that_leaves_some_or_that_nobody_set_is_no_matter(clock, seconds, evaluation):
    made, plan, said = make(clock, steps=1000, **({"seconds": seconds} if seconds else {}), validation=100, test=300)
    made.evaluated(evaluation)
    assert not made.leaves_none()
    assert (plan.last_step, made.shortened, said) == (1000, False, [])


def test_steps_that_become_slower(clock):
    """The number of steps follows what steps take, so that the limit is still kept."""
    began = clock.now
    made, plan, _ = make(clock, steps=1000, seconds=300)
    step = 0
    while step < plan.last_step:
        step += 1
        clock.now += 0.1 if step < 200 else 1.0
        made.step(step)
    assert clock.now - began <= 300


def test_durations():
    assert [duration(seconds) for seconds in (61, 600, 5399, 7200)] == [
        "1 minute",
        "10 minutes",
        "1.5 hours",
        "2.0 hours",
    ]
