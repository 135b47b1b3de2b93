"""The queue in front of a model: inputs of many requests become batches, and one thread predicts them.

The event loop never waits for the model. While the thread is busy, inputs gather; when it is free, an input waits
``batch_wait`` milliseconds for others. A queue refuses at once what it has no place for, or could not answer in time.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.types import Prediction

from .failures import HttpError
from .limits import Limits, characters
from .options import PredictOptions

Predict = Callable[[list[Any], PredictOptions], list[Prediction]]
"""Inputs and what is asked of them -> one prediction per input."""
LONGEST_RETRY = 60
OVERHEAD = 50
"""What an input costs besides its characters, in characters."""
BATCH_OVERHEAD = 0.05
"""What a batch costs besides its characters, as a share of those that it may have."""
SHARE = 0.25
"""Of the time-out that a batch may take, at the speed of the last ones."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Item:
    """One input that waits for its prediction."""

    value: Any
    options: PredictOptions
    chars: int
    since: float
    answer: asyncio.Future[Prediction]

    @property
    def cost(self) -> int:
        """In characters."""
        return self.chars + OVERHEAD


class Batcher:
    """Batches for one model.

    Args:
        predict: is called in a thread of ``executor``, never twice at once.
        limits: of queue and batches.
        executor: may be shared by several models, which then take turns.
        told: is called with inputs and seconds of each batch that was predicted.
    """

    def __init__(
        self, predict: Predict, limits: Limits, executor: Executor, told: Callable[[int, float], None] | None = None
    ) -> None:
        self._predict, self._limits, self._executor, self._told = predict, limits, executor, told
        self._queue: deque[Item] = deque()
        self._chars = 0  # of the queue
        self._cost = 0  # of all inputs without an answer
        self._arrived = asyncio.Event()
        self._speed = 0.0  # cost in characters per second, of the last batches

    def __len__(self) -> int:
        return len(self._queue)

    def submit(self, inputs: list[Any], options: PredictOptions) -> list[asyncio.Future[Prediction]]:
        """Queue all of these inputs, or none.

        Raises:
            HttpError: 429, the queue is full, or so long that the answer would come too late.
        """
        too_many = len(self._queue) + len(inputs) > self._limits.max_queue
        if too_many or self._seconds_to_wait() > self._limits.timeout:
            raise HttpError(
                429, "The server has more requests than it can answer; try again later.", self._retry_after()
            )
        loop = asyncio.get_running_loop()
        items = [Item(v, options, characters(v), loop.time(), loop.create_future()) for v in inputs]
        self._queue.extend(items)
        self._chars += sum(item.chars for item in items)
        self._cost += sum(item.cost for item in items)
        self._arrived.set()
        return [item.answer for item in items]

    async def run(self) -> None:
        """Answer what is submitted, until cancelled."""
        while True:
            await self._batch_is_due()
            for group in of_similar_length(self._take(), self._limits.batch_chars):
                await self._answer(group)

    async def _answer(self, batch: list[Item]) -> None:
        begin = time.perf_counter()
        answers = await asyncio.get_running_loop().run_in_executor(self._executor, self._answers, batch)
        for item, answer in zip(batch, answers, strict=True):
            if item.answer.done():  # nobody waits for it any more
                continue
            if isinstance(answer, Exception):
                item.answer.set_exception(answer)
            else:
                item.answer.set_result(answer)
        self._finished(batch, time.perf_counter() - begin)

    def _full(self) -> bool:
        return len(self._queue) >= self._limits.batch_inputs or self._chars >= self._limits.batch_chars

    async def _batch_is_due(self) -> None:
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        due = self._queue[0].since + self._limits.batch_wait / 1000
        while not self._full() and (left := due - asyncio.get_running_loop().time()) > 0:
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)

    def _take(self) -> list[Item]:
        """The oldest inputs with the options of the first, as many as are answered soon; not those nobody waits for."""
        batch: list[Item] = []
        others: list[Item] = []
        cost, most = 0, SHARE * self._limits.timeout * self._speed if self._speed else math.inf
        while self._queue and len(batch) < self._limits.batch_inputs and cost <= most:
            item = self._queue.popleft()
            if item.answer.done():
                self._chars -= item.chars
                self._cost -= item.cost
            elif batch and item.options != batch[0].options:
                others.append(item)
            else:
                self._chars -= item.chars
                cost += item.cost
                batch.append(item)
        self._queue.extendleft(reversed(others))
        return batch

    def _answers(self, batch: list[Item]) -> list[Prediction | Exception]:
        """A prediction or an error for each; runs in the thread.

        An input that cannot be used fails its whole batch, so the batch is halved until it fails alone.
        """
        try:
            return list(self._predict([item.value for item in batch], batch[0].options))
        except Exception as error:
            if len(batch) == 1:
                if not isinstance(error, RequestError):
                    log.exception("The model failed on an input.")
                return [error]
        half = len(batch) // 2
        return [*self._answers(batch[:half]), *self._answers(batch[half:])]

    def _finished(self, batch: list[Item], seconds: float) -> None:
        cost = sum(item.cost for item in batch)
        self._cost -= cost
        speed = cost / max(seconds, 1e-6)
        self._speed = speed if not self._speed else 0.8 * self._speed + 0.2 * speed
        if self._told is not None:
            self._told(len(batch), seconds)

    def _seconds_to_wait(self) -> float:
        """After which all inputs of now will be answered, at the speed of the last batches."""
        return self._cost / self._speed if self._speed else 0.0

    def _retry_after(self) -> int:
        return min(max(math.ceil(self._seconds_to_wait()), 1), LONGEST_RETRY)


def of_similar_length(items: list[Item], most: int) -> list[list[Item]]:
    """The items as those batches that cost least together, the short ones first.

    Texts are padded to the longest of their batch, so a batch has at most ``most`` characters with that padding, but
    for a single longer item. It costs these characters, and :data:`BATCH_OVERHEAD` of ``most``.
    """
    ranked = sorted(items, key=lambda item: item.chars)
    best = [(0.0, 0)]  # of the first items: their cost, and where the last of their batches begins
    for end, item in enumerate(ranked, 1):
        first = max(0, end - max(1, most // max(1, item.chars)))
        best.append(min((best[begin][0] + item.chars * (end - begin), begin) for begin in range(first, end)))
        best[end] = (best[end][0] + BATCH_OVERHEAD * most, best[end][1])
    batches: list[list[Item]] = []
    end = len(ranked)
    while end:
        begin = best[end][1]
        batches.append(ranked[begin:end])
        end = begin
    return batches[::-1]
