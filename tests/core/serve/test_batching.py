"""The queue in front of a model: what becomes a batch, and what is refused."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("uvicorn")

from taskzoo.errors import DataError, RequestError, RunError
from taskzoo.serve.batching import BATCH_OVERHEAD, Batcher, Item, of_similar_length
from taskzoo.serve.failures import HttpError, input_error
from taskzoo.serve.limits import Limits
from taskzoo.serve.options import PredictOptions

Work = Callable[[Batcher], Coroutine[Any, Any, Any]]


class Recorder:
    """Answers each input with itself in upper case, once it may; remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.asked: list[PredictOptions] = []
        self.threads: set[str] = set()
        self.free, self.entered = threading.Event(), threading.Event()
        self.free.set()

    async def is_busy(self) -> None:
        """Wait until the model has a batch."""
        assert await asyncio.to_thread(self.entered.wait, 20)

    def __call__(self, inputs: list[str], options: PredictOptions) -> list[dict[str, Any]]:
        self.entered.set()
        self.free.wait(20)
        self.batches.append(inputs)
        self.asked.append(options)
        self.threads.add(threading.current_thread().name)
        if "bad" in inputs:
            raise DataError("the text is bad.", file="input", line=inputs.index("bad") + 1)
        if "broken" in inputs:
            raise ZeroDivisionError
        return [{"text": text.upper()} for text in inputs]


def run(recorder: Recorder, work: Work, **limits: Any) -> Any:
    async def main() -> Any:
        with ThreadPoolExecutor(1, "predict") as executor:
            batcher = Batcher(recorder, Limits(**limits), executor)
            worker = asyncio.create_task(batcher.run())
            try:
                return await work(batcher)
            finally:
                recorder.free.set()
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)

    return asyncio.run(main())


PLAIN = PredictOptions()


async def answers(batcher: Batcher, inputs: list[str], options: PredictOptions = PLAIN) -> list[Any]:
    return await asyncio.gather(*batcher.submit(inputs, options), return_exceptions=True)


def test_what_gathers_while_the_model_is_busy_is_predicted_together_and_in_order() -> None:
    recorder = Recorder()

    async def work(batcher: Batcher) -> list[Any]:
        recorder.free.clear()
        first = asyncio.create_task(answers(batcher, ["first"]))
        await recorder.is_busy()
        others = [answer for n in range(10) for answer in batcher.submit([f"t{n}"], PLAIN)]
        recorder.free.set()
        return [*await first, *await asyncio.gather(*others)]

    found = run(recorder, work, batch_inputs=4)
    assert found == [{"text": "FIRST"}, *({"text": f"T{n}"} for n in range(10))]
    assert recorder.batches == [
        ["first"],
        ["t0", "t1", "t2", "t3"],
        ["t4", "t5", "t6", "t7"],
        ["t8", "t9"],
    ]
    assert recorder.threads == {"predict_0"}


def test_batches_are_of_similar_length_and_have_their_characters_with_padding() -> None:
    recorder = Recorder()
    texts = ["a" * 60, "b" * 45, "c" * 300, "d" * 5, "e" * 48, "f" * 6]
    found = run(recorder, lambda batcher: answers(batcher, texts), batch_chars=100)
    assert [answer["text"] for answer in found] == [text.upper() for text in texts]
    assert recorder.batches == [["d" * 5, "f" * 6], ["b" * 45, "e" * 48], ["a" * 60], ["c" * 300]]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=7), st.integers(1, 200))
def test_the_batches_cost_least_of_all_that_there_are(lengths: list[int], most: int) -> None:
    items = [Item(None, PLAIN, chars, 0.0, None) for chars in lengths]  # type: ignore[arg-type]

    def cost(batches: list[list[int]]) -> float:
        return sum(max(batch) * len(batch) + BATCH_OVERHEAD * most for batch in batches)

    def divisions(ranked: list[int]) -> Iterator[list[list[int]]]:
        if not ranked:
            yield []
        for size in range(1, len(ranked) + 1):
            if size == 1 or ranked[size - 1] * size <= most:
                for rest in divisions(ranked[size:]):
                    yield [ranked[:size], *rest]

    found = [[item.chars for item in batch] for batch in of_similar_length(items, most)]
    assert [chars for batch in found for chars in batch] == sorted(lengths)
    assert all(len(batch) == 1 or max(batch) * len(batch) <= most for batch in found)
    assert cost(found) == pytest.approx(min(map(cost, divisions(sorted(lengths)))))


def test_a_free_model_waits_for_others_as_long_as_it_is_told() -> None:
    recorder = Recorder()

    async def work(batcher: Batcher) -> float:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        first = asyncio.create_task(answers(batcher, ["a"]))
        await asyncio.sleep(0.05)
        await asyncio.gather(first, answers(batcher, ["b"]))
        return loop.time() - begin

    assert run(recorder, work, batch_wait=300) >= 0.3
    assert recorder.batches == [["a", "b"]]
    recorder.batches.clear()
    run(recorder, work, batch_wait=0)
    assert recorder.batches == [["a"], ["b"]]


def test_a_full_batch_does_not_wait() -> None:
    recorder = Recorder()
    run(recorder, lambda batcher: answers(batcher, ["a", "b"]), batch_wait=60_000, batch_inputs=2)
    assert recorder.batches == [["a", "b"]]


def test_an_input_that_cannot_be_used_fails_alone() -> None:
    recorder = Recorder()
    texts = [f"t{n}" for n in range(20)]
    texts[7], texts[13] = "bad", "broken"
    found = run(recorder, lambda batcher: answers(batcher, texts))
    assert isinstance(found[7], DataError)
    assert isinstance(found[13], ZeroDivisionError)
    assert [a for n, a in enumerate(found) if n not in (7, 13)] == [
        {"text": text.upper()} for n, text in enumerate(texts) if n not in (7, 13)
    ]
    assert len(recorder.batches) < 20  # by halves, not one by one


def test_inputs_with_other_options_are_another_batch_and_keep_their_turn() -> None:
    recorder = Recorder()
    doubtful = PredictOptions(min_confidence=0.5)

    async def work(batcher: Batcher) -> None:
        each = [("a", doubtful), ("b", PLAIN), ("c", doubtful), ("d", PredictOptions(coverage=0.5)), ("e", PLAIN)]
        await asyncio.gather(*(answers(batcher, [text], options) for text, options in each))

    run(recorder, work)
    assert recorder.batches == [["a", "c"], ["b", "e"], ["d"]]
    assert recorder.asked == [doubtful, PLAIN, PredictOptions(coverage=0.5)]


def test_a_full_queue_takes_all_inputs_of_a_request_or_none() -> None:
    recorder = Recorder()

    async def work(batcher: Batcher) -> None:
        recorder.free.clear()
        taken = asyncio.create_task(answers(batcher, ["busy"]))
        await recorder.is_busy()
        waiting = batcher.submit(["a", "b", "c"], PLAIN)
        with pytest.raises(HttpError) as refused:
            batcher.submit(["d", "e"], PLAIN)
        assert refused.value.status == 429
        assert 1 <= (refused.value.retry_after or 0) <= 60
        assert len(batcher) == 3
        last = batcher.submit(["f"], PLAIN)
        recorder.free.set()
        await asyncio.gather(taken, *waiting, *last)

    run(recorder, work, max_queue=4, max_inputs=4)
    assert recorder.batches == [["busy"], ["a", "b", "c", "f"]]


def test_a_slow_model_gets_batches_that_end_in_time_and_refuses_what_would_not() -> None:
    """An input takes 0.1 s, so in a quarter of the time-out two are predicted and in all of it ten."""

    class Slow(Recorder):
        def __call__(self, inputs: list[str], options: PredictOptions) -> list[dict[str, Any]]:
            time.sleep(0.1 * len(inputs))
            return super().__call__(inputs, options)

    recorder = Slow()

    async def work(batcher: Batcher) -> int:
        await answers(batcher, ["first"])  # by which its speed is known
        taken: list[Any] = []
        statuses = set()
        for number in range(100):
            try:
                taken += batcher.submit([f"t{number:03}"], PLAIN)
            except HttpError as error:
                statuses.add(error.status)
        assert statuses == {429}
        await asyncio.gather(*taken)
        return len(taken)

    taken = run(recorder, work, timeout=1.1)
    assert 5 <= taken <= 12
    assert max(map(len, recorder.batches)) <= 3


def test_inputs_that_nobody_waits_for_are_not_predicted() -> None:
    recorder = Recorder()

    async def work(batcher: Batcher) -> None:
        recorder.free.clear()
        taken = asyncio.create_task(answers(batcher, ["busy"]))
        await recorder.is_busy()
        for future in batcher.submit(["a", "b"], PLAIN):
            future.cancel()
        kept = batcher.submit(["c"], PLAIN)
        recorder.free.set()
        await asyncio.gather(taken, *kept)

    run(recorder, work)
    assert recorder.batches == [["busy"], ["c"]]


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (DataError("the text is bad.", file="input", line=3), 422, "The text is bad."),
        (
            RequestError("No column for text; found 'x'; name it with columns={...}."),
            422,
            "No column for text; found 'x'.",
        ),
        (RunError("The model gives scores that are not numbers."), 500, "scores that are not numbers"),
        (ZeroDivisionError("a secret"), 500, "The model failed on this input; the server's log says why."),
    ],
)
def test_what_a_client_is_told_of_an_error(error: Exception, status: int, message: str) -> None:
    found = input_error(error, 1, 1)
    assert (found.status, message in str(found)) == (status, True)
    assert "secret" not in str(found)


def test_an_input_among_several_is_named_by_its_number() -> None:
    error = input_error(DataError("the text is bad.", file="input", line=1), 5, 9)
    assert str(error) == "Input 5: the text is bad."


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_body": 0}, "--max-body 0 must be more than 0."),
        ({"batch_wait": -1}, "--batch-wait -1 must be more than 0."),
        ({"max_inputs": 9, "max_queue": 8}, "--max-inputs 9 is more than --max-queue 8"),
    ],
)
def test_limits_that_cannot_be(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Limits(**limits)
