"""Rows and features on disk: the same run as in memory, made once for several runs, and right whatever happens."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taskzoo.data import features, stored_rows
from taskzoo.engine import encoding, scoring
from taskzoo.runs import large

from .kit import digest, read, read_lines, text_rows, write_csv, zoo

QUICK = ["--method", "full", "--epochs", "1", "--batch-size", "8", "--set", "precision=fp32", "--seed", "3"]
QUICK += ["--learning-rate", "0.01"]


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and parts so small that there are several."""
    monkeypatch.setenv("TASKZOO_CACHE", str(tmp_path / "cache"))
    for module, name, value in ((large, "CHUNK", 40), (encoding, "CHUNK", 30), (scoring, "PART", 7)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(stored_rows, "_BATCH", 50)
    return tmp_path / "cache"


def rows_file(path: Path, count: int = 130) -> Path:
    rows = text_rows(count, 5)
    return write_csv(path, [{"text": row["text"], "label": row["label"]} for row in rows + rows[:9]])


def run(bert: Path, train: Path, output: Path, on_disk: str, *more: object) -> tuple[Path, str]:
    words = ["--output", output, "--set", f"on_disk={on_disk}", *QUICK, *more]
    result = zoo("run", "classification", "--model", bert, "--train", train, *words)
    assert result.code == 0, result.err
    return output, result.err


def results(path: Path) -> tuple:
    """All that must not depend on where rows are kept."""
    manifest, metrics = read(path / "manifest.json"), read(path / "metrics.json")
    facts = {name: manifest[name] for name in ("data", "splits", "overlap", "rows", "counts", "steps", "best_step")}
    return facts, metrics, read_lines(path / "predictions.jsonl"), digest(path / "model" / "model.safetensors")


def entries(cache: Path) -> dict[str, float]:
    """Files of the cache and when they were written."""
    return {str(f.relative_to(cache)): f.stat().st_mtime_ns for f in cache.glob("*/*") if f.name != "content.json"}


def test_a_run_is_the_same_in_memory_on_disk_and_from_the_cache(bert, tmp_path, cache):
    train = rows_file(tmp_path / "rows.csv")
    in_memory, _ = run(bert, train, tmp_path / "a", "false")
    assert not cache.exists()
    on_disk, said = run(bert, train, tmp_path / "b", "true")
    assert "rows      train 139 on disk" in said
    assert "features  train" in said
    made = entries(cache)
    again, _ = run(bert, train, tmp_path / "c", "true")
    assert entries(cache) == made  # nothing was made again
    assert results(in_memory) == results(on_disk) == results(again)
    assert read(on_disk / "manifest.json")["overlap"]["inside_train"]["count"]  # there is something to compare

    # another text in a file of the same size and time is another file
    before = train.stat()
    train.write_bytes(train.read_bytes().replace(b"cat", b"hen").replace(b"dog", b"cow"))
    os.utime(train, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert train.stat().st_size == before.st_size
    changed, _ = run(bert, train, tmp_path / "d", "true")
    assert len(entries(cache)) == 2 * len(made)
    assert results(changed) == results(run(bert, train, tmp_path / "e", "false")[0])


def test_damaged_files_of_the_cache_are_made_again(bert, tmp_path, cache):
    train = rows_file(tmp_path / "rows.csv")
    whole, _ = run(bert, train, tmp_path / "a", "true")
    for pattern in (
        "features-*/features.arrow",
        "examples-*/examples.arrow",
        "keys-*/given",
        "examples-*/content.json",
    ):
        damaged = next(cache.glob(pattern))
        content = damaged.read_bytes()
        damaged.write_bytes(content[: len(content) // 2])
    for name in ("features-x.7.new", "examples-x.7.new"):  # of processes that were killed
        (cache / name).mkdir()
    assert results(run(bert, train, tmp_path / "b", "true")[0]) == results(whole)


def test_a_full_disk_is_said_and_leaves_nothing(bert, tmp_path, cache):
    resource = pytest.importorskip("resource")
    train, output = rows_file(tmp_path / "rows.csv", 2000), tmp_path / "run"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        result = zoo("run", "classification", "--model", bert, "--train", train, "--output", output,
                     "--set", "on_disk=true", *QUICK)  # fmt: skip
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert result.code == 1
    assert "TASKZOO_CACHE" in result.err
    assert "on_disk=false" in result.err
    assert not output.exists()
    assert not list(cache.glob("*/"))


def test_what_needs_all_rows_together_holds_them_in_memory_and_says_so(bert, tmp_path, cache):
    train = rows_file(tmp_path / "rows.csv")
    on_disk, said = run(bert, train, tmp_path / "disk", "true", "--shots", 8)
    assert "memory    all rows are held in memory" in said
    assert "features  train" in said  # features are on disk all the same
    assert results(on_disk) == results(run(bert, train, tmp_path / "memory", "false", "--shots", 8)[0])


def test_a_bad_row_is_named_with_its_line_whichever_process_meets_it(bert, tmp_path, cache):
    train = rows_file(tmp_path / "rows.csv")
    lines = train.read_text().splitlines()
    lines[101] = '" ",food'
    train.write_text("\n".join(lines))
    for on_disk in ("true", "false"):
        result = zoo("run", "classification", "--model", bert, "--train", train, "--output", tmp_path / "x",
                     "--set", f"on_disk={on_disk}", *QUICK)  # fmt: skip
        assert result.code == 2
        assert "rows.csv:102: the text is empty" in result.err


def test_entities_with_given_splits(model, data, tmp_path, cache):
    """CoNLL, whose tag scheme only many rows together tell: two splits in IOB1, the third in IOB2."""
    for split in ("train", "validation"):
        lines = [line.replace("\tB-", "\tI-") for line in (data / f"{split}.conll").read_text().splitlines()]
        (tmp_path / f"{split}.conll").write_text("\n".join(lines))
    (tmp_path / "test.conll").write_text((data / "test.conll").read_text())
    found = []
    for on_disk in ("true", "false"):
        files = [
            word for split in ("train", "validation", "test") for word in (f"--{split}", tmp_path / f"{split}.conll")
        ]
        result = zoo("run", "ner", "--model", model, *files, "--output", tmp_path / on_disk,
                     "--set", f"on_disk={on_disk}", *QUICK)  # fmt: skip
        assert result.code == 0, result.err
        assert ("on disk" in result.err) == (on_disk == "true")
        found.append(results(tmp_path / on_disk))
    assert found[0] == found[1]


@pytest.mark.parametrize("task", ["translation", "summarization"])
def test_generated_texts(task, tiny_checkpoint, tmp_path, cache):
    """Pairs with columns that say the languages; a source with several targets stays in one split."""
    words = ["red", "blue", "green", "small", "old", "round", "cat", "dog", "hen"]
    draw = random.Random(4)
    rows = [{"en": " ".join(draw.choices(words, k=5)), "de": " ".join(draw.choices(words, k=4))} for _ in range(90)]
    rows += [{"en": row["en"], "de": row["de"] + " " + "round" * draw.randrange(3)} for row in rows[:20]]
    train = write_csv(tmp_path / "rows.csv", rows)
    columns = ["--columns", "source=en,target=de"] if task == "summarization" else []
    found = []
    for on_disk in ("true", "false"):
        result = zoo("run", task, "--model", tiny_checkpoint("t5"), "--train", train, *columns,
                     "--output", tmp_path / on_disk, "--set", f"on_disk={on_disk}", *QUICK)  # fmt: skip
        assert result.code == 0, result.err
        assert ("rows      train 110 on disk" in result.err) == (on_disk == "true"), result.err
        found.append(results(tmp_path / on_disk))
    assert found[0] == found[1]
    assert ("English to German" in result.err) == (task == "translation")


def test_filtered_pairs_are_held_in_memory(tiny_checkpoint, tmp_path, cache):
    train = write_csv(tmp_path / "rows.csv", [{"en": f"red {i}", "de": f"rot {i}"} for i in range(60)])
    result = zoo("run", "translation", "--model", tiny_checkpoint("t5"), "--train", train, "--output", tmp_path / "run",
                 "--set", "on_disk=true", "--set", "filter=drop", *QUICK)  # fmt: skip
    assert result.code == 0, result.err
    assert "memory    all rows are held in memory" in result.err


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.tsv", "rows.jsonl", "rows.parquet"])
def test_streams_give_the_rows_of_readers(tmp_path, name):
    """With blank lines, quotes and line breaks in cells, and integers that have names."""
    import gzip

    from datasets import ClassLabel, Dataset, Features, Value

    from taskzoo import registry
    from taskzoo.data.columns import ReadRequest
    from taskzoo.data.readers import read_rows
    from taskzoo.data.streams.open_source import open_source

    rows = [{"text": f'{row["text"]}, "quoted"', "label": row["label"]} for row in text_rows(60, 2)]
    path = tmp_path / name
    if name.endswith(".parquet"):
        names = sorted({row["label"] for row in rows})
        numbered = [{**row, "label": names.index(row["label"])} for row in rows]
        Dataset.from_list(numbered, features=Features(text=Value("string"), label=ClassLabel(names=names))).to_parquet(
            path
        )
    elif name.endswith(".jsonl"):
        path.write_text("\n\n".join(map(json.dumps, rows)) + "\n\n")
    elif name.endswith(".tsv"):
        path.write_text("text\tlabel\n" + "".join(f"{row['text']}\t{row['label']}\n\n" for row in rows))
    else:
        rows[3]["text"] += "\nsecond line"
        data = write_csv(tmp_path / "plain.csv", rows).read_bytes() + b"\r\n"
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    spec = registry.task("classification")
    expected = read_rows(path, ReadRequest(spec))
    source = open_source(path, ReadRequest(spec), tolerant=False)
    assert [item.row for item in source.take(1000)] == expected
    assert len(expected) == 60
    source.close()


def test_features_that_arrow_cannot_hold_stay_in_memory(tmp_path, cache):
    from taskzoo.data.arrow_files import NotStorableError, batch_of, schema_of

    records = [{"input_ids": [1, 2], "target": 0.5, "own": (0, 1)}, {"input_ids": [], "target": 1.5, "own": (2, 2)}]
    schema = schema_of(records)
    assert batch_of(records, schema).num_rows == 2
    for odd in ({"input_ids": [2**40], "target": 0.5, "own": (0, 1)}, {"input_ids": [1], "target": 0.5}):
        with pytest.raises(NotStorableError):
            batch_of([odd], schema)
    for odd in (random.Random(), b"x", {1, 2}):
        with pytest.raises(NotStorableError):
            schema_of([{"value": odd}, {"value": [1]}])


@pytest.mark.slow
def test_two_runs_at_once_and_one_killed_in_between_share_a_cache(bert, tmp_path):
    train = rows_file(tmp_path / "rows.csv", 30_000)
    environment = {**os.environ, "TASKZOO_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}

    def start(name: str) -> subprocess.Popen:
        words = ["run", "classification", "--model", bert, "--train", train, "--output", tmp_path / name]
        words += ["--set", "on_disk=true", "--set", "max_steps=3", *QUICK, "--holdout", 100]
        return subprocess.Popen([sys.executable, "-m", "taskzoo", *map(str, words)], env=environment,
                                stdout=subprocess.DEVNULL, stderr=(tmp_path / f"{name}.log").open("w"))  # fmt: skip

    killed = start("killed")
    while not list((tmp_path / "cache").glob("*.new")):
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    both = [start("one"), start("two")]
    assert [process.wait(300) for process in both] == [0, 0]
    assert results(tmp_path / "one") == results(tmp_path / "two")
    assert not list((tmp_path / "cache").glob("*.new"))
    made = [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]
    assert len(made) == len({path.name for path in made}) == 5  # examples, keys and the features of three splits
    assert "waiting" in "".join((tmp_path / f"{name}.log").read_text() for name in ("one", "two"))


def test_stored_features_are_those_that_were_written(tmp_path, cache):
    from taskzoo.types import Encoded, Feature

    class Words:
        def encode(self, examples, processor):
            made = [
                Feature(row, len(text), {"input_ids": [*map(ord, text)], "first": place}, place)
                for row, text in enumerate(examples)
                for place in range(1 + len(text) % 2)
            ]
            return Encoded(made, {"rows": len(examples), "none": 0})

        def token_ids(self, feature):
            return feature["input_ids"]

    texts = [random.Random(i).choice("abcdef") * (i % 7) for i in range(100)]
    whole = Words().encode(texts, None)
    found = encoding.encode_to_disk(Words(), texts, None, key="k", split="train", reporter=_Silent())
    assert isinstance(found.features, features.StoredFeatures)
    assert list(found.features) == whole.features == [found.features[i] for i in range(-len(whole.features), 0)]
    assert found.counts == whole.counts == {"rows": 100, "none": 0}
    assert features.lengths_of(found.features)[0].tolist() == features.lengths_of(whole.features)[0].tolist()
    assert features.rows_of(found.features).tolist() == features.rows_of(whole.features).tolist()
    assert found.features.token_ids == {i for feature in whole.features for i in feature["input_ids"]}
    assert json.dumps(found.features[3:5][0].values) == json.dumps(whole.features[3].values)


class _Silent:
    def say(self, message):
        pass

    def bar(self, title, total):
        from contextlib import nullcontext

        from taskzoo.engine.progress import Bar

        return nullcontext(Bar())


def test_a_stream_of_the_hub_gives_as_many_rows_as_the_steps_see(bert, tmp_path, cache, monkeypatch):
    monkeypatch.setattr(scoring, "FEW", 6)
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.csv").write_bytes(rows_file(tmp_path / "rows.csv").read_bytes())
    write_csv(folder / "test.csv", [{"text": row["text"], "label": row["label"]} for row in text_rows(20, 6)])
    words = ["run", "classification", "--model", bert, "--data", f"hub:{folder}", *QUICK, "--set", "streaming=true"]
    for wrong in (words, [*words[:5], "demo", *words[6:], "--set", "max_steps=5"]):
        result = zoo(*wrong, "--output", tmp_path / "x")
        assert result.code == 2
        assert "streaming=true" in result.err
    found = []
    for name in ("one", "two"):
        result = zoo(*words, "--set", "max_steps=10", "--output", tmp_path / name)
        assert result.code == 0, result.err
        found.append(results(tmp_path / name))
    assert found[0] == found[1]
    facts, metrics = found[0][:2]
    assert (metrics["test"]["rows"], metrics["test"]["details_rows"]) == (20, 5)
    assert sum(one["support"] for one in metrics["test"]["per_label"].values()) == 5
    assert facts["rows"] == {"train": 72, "validation": 8, "test": 20}  # ten steps of 8, a tenth of it split off
    assert facts["data"]["train"]["streamed"] == 80
    assert [row["text"] for row in found[0][2]] == [row["text"] for row in text_rows(20, 6)]
    assert facts["data"]["train"]["buffer"] == 10_000


def test_other_seeds_have_the_same_rows_of_a_stream(bert, tmp_path, cache):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.csv").write_bytes(rows_file(tmp_path / "rows.csv").read_bytes())
    words = ["--model", bert, "--data", f"hub:{folder}", *QUICK, "--set", "streaming=true", "--set", "max_steps=10"]
    result = zoo("run", "classification", *words, "--seeds", "2", "--output", tmp_path / "runs")
    assert result.code == 0, result.err
    one, two = (read(tmp_path / "runs" / name / "manifest.json") for name in ("seed-1", "seed-2"))
    assert one["data"] == two["data"]
    assert one["data"]["train"]["streamed"] == 80
    assert one["rows"] == two["rows"] == {"train": 64, "validation": 8, "test": 8}
    refused = zoo("learning-curve", "classification", *words[:4], "--set", "streaming=true", "--set", "max_steps=10")
    assert refused.code == 2
    assert "streaming=true is for training; here all rows have to be at hand" in refused.err
