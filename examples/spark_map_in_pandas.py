"""Predict for a Spark data frame: every partition loads the run once and predicts batch by batch.

    spark-submit spark_map_in_pandas.py RUN IN.parquet OUT.parquet

RUN is a path that all executors see. The input has a column ``text``; its other columns are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any


def predictor(run_path: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A function for ``DataFrame.mapInPandas`` that adds ``predicted`` and ``score`` to frames with a ``text``."""

    def predict(frames: Iterator[Any]) -> Iterator[Any]:
        import taskzoo

        run = taskzoo.load(run_path)
        for frame in frames:
            answers = run.predict(frame["text"].fillna("").tolist())
            labels = [answer["label"] for answer in answers]
            yield frame.assign(predicted=labels, score=[answer.get("score") for answer in answers])

    return predict


def main(run_path: str, source: str, target: str) -> None:
    """Read, predict and write."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("zoo predict").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")
    rows = spark.read.parquet(source)
    schema = rows.schema.add("predicted", "string").add("score", "double")
    rows.mapInPandas(predictor(run_path), schema).write.parquet(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
