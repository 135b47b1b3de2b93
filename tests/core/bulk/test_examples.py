"""The examples for Slurm and Spark do what they say, without Slurm and Spark."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import pandas as pd
import pytest

import taskzoo

from .kit import write

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_frames_keep_their_columns_and_get_predictions(finished: Path) -> None:
    predict = runpy.run_path(str(EXAMPLES / "spark_map_in_pandas.py"))["predictor"](str(finished))
    frames = [pd.DataFrame({"id": [1, 2], "text": ["a cat", None]}), pd.DataFrame({"id": [3], "text": ["a dog"]})]
    first, second = predict(iter(frames))
    assert list(first.columns) == ["id", "text", "predicted", "score"]
    expected = taskzoo.load(finished).predict(["a cat", "a dog"])
    assert [first["predicted"][0], second["predicted"][0]] == [answer["label"] for answer in expected]
    assert pd.isna(first["predicted"][1])
    assert pd.isna(first["score"][1])


def test_a_task_of_an_array_does_its_part(tmp_path: Path) -> None:
    zoo = write(tmp_path / "zoo", '#!/bin/bash\necho "$OMP_NUM_THREADS $*"\n')
    zoo.chmod(0o755)
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "16", "SLURM_CPUS_PER_TASK": "4"}
    done = subprocess.run(
        [EXAMPLES / "slurm_array.sh", "run", "in.csv", "out"],
        env={**os.environ, **slurm, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "4 predict run --input in.csv --output out/ --shard 3/16\n"
