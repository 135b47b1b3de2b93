"""Memory does not grow with the number of rows."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from taskzoo.bulk.job import Inputs, Output
from taskzoo.bulk.meter import Meter
from taskzoo.bulk.output_format import OutputFormat
from taskzoo.bulk.part import Part
from taskzoo.bulk.shards import ShardJob, predict_to_folder

from .kit import Lengths, write


def test_the_peak_is_that_of_a_few_chunks(tmp_path: Path) -> None:
    write(tmp_path / "weights", "1")
    path = write(tmp_path / "in.csv", "id,text\n" + "".join(f"{i},a text of some length {i}\n" for i in range(8_000)))
    peaks: list[int] = []

    class Watch(Meter):
        def update(self, rows: int, bad: int, done: float) -> None:
            super().update(rows, bad, done)
            if self.rows in (2_000, 8_000):
                peaks.append(tracemalloc.get_traced_memory()[1])

    model = Lengths(tmp_path / "weights")
    tracemalloc.start()
    try:
        output = Output(tmp_path / "out", OutputFormat("csv"))
        predict_to_folder(model, ShardJob(Inputs((str(path),)), output), Part(), Watch(shown=False))
    finally:
        tracemalloc.stop()
    early, late = peaks
    assert late < 1.1 * early
