"""``zoo embed`` and ``zoo search`` through the command line."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from taskzoo_similarity import vector_files
from taskzoo_similarity.embedder import Embedder

import taskzoo
from taskzoo.cli import main

TEXTS = ["Where is the lamp?", "The kettle is broken, what now?", "", "How much is the sofa?"]


def zoo(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    argv = mock.patch.object(sys, "argv", ["zoo", *map(str, arguments)])
    with argv, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return path


def test_vectors_in_a_numpy_file(
    run: taskzoo.Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_files, "CHUNK", 3)  # the last text is in a second chunk
    output = tmp_path / "v.npy"
    code, _, err = zoo("embed", run.path, "--input", corpus, "--output", output, "--role", "other")
    assert (code, "4 vectors written" in err) == (0, True), err
    found = np.load(output)
    assert found.dtype == np.float32
    assert np.allclose(found, Embedder(run.task, run.model, run.processor)(TEXTS), atol=1e-6)
    assert np.allclose(np.linalg.norm(found, axis=1), [1, 1, 0, 1], atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", "v.npy"], "nothing else is left"


def test_vectors_in_json_lines_of_a_column(run: taskzoo.Run, tmp_path: Path) -> None:
    corpus, output = tmp_path / "c.jsonl", tmp_path / "v.jsonl"
    corpus.write_text("".join(json.dumps({"body": text}) + "\n" for text in TEXTS[:2]))
    assert zoo("embed", run.path, "--input", corpus, "--output", output, "--column", "body")[0] == 0
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["text"] for line in lines] == TEXTS[:2]
    wanted = Embedder(run.task, run.model, run.processor)(TEXTS[:2], "find: ")
    assert np.allclose([line["vector"] for line in lines], wanted, atol=1e-5)


def test_the_nearest_texts_of_a_file(run: taskzoo.Run, corpus: Path) -> None:
    code, out, err = zoo("search", run.path, "the lamp", "--corpus", corpus, "--top", 2, "--json")
    assert code == 0, err
    hits = [json.loads(line) for line in out.splitlines()]
    embed = Embedder(run.task, run.model, run.processor)
    cosines = embed(TEXTS) @ embed(["the lamp"], "find: ")[0]
    best = sorted((i for i, text in enumerate(TEXTS) if text), key=lambda i: -cosines[i])[:2]
    assert [(hit["line"], hit["text"]) for hit in hits] == [(i + 1, TEXTS[i]) for i in best]
    shown = zoo("search", run.path, "the lamp", "--corpus", corpus, "--top", 1)[1]
    assert shown.split(maxsplit=2)[2].strip() == TEXTS[best[0]]


def test_what_a_file_says_does_not_act_on_the_terminal(run: taskzoo.Run, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("the \x1b[31mlamp\u202e \x9b2J\n", encoding="utf-8")
    shown = zoo("search", run.path, "lamp", "--corpus", corpus)[1]
    assert shown.split(maxsplit=2)[2] == "the \\x1b[31mlamp\\u202e \\x9b2J\n"
    out = zoo("search", run.path, "lamp", "--corpus", corpus, "--json")[1]
    assert out.strip().isprintable()
    assert json.loads(out)["text"] == "the \x1b[31mlamp\u202e \x9b2J"


def test_what_cannot_be_used_is_refused_in_a_sentence(
    run: taskzoo.Run, reranker: taskzoo.Run, corpus: Path, tmp_path: Path
) -> None:
    bad, empty, binary = tmp_path / "bad.jsonl", tmp_path / "empty.txt", tmp_path / "binary.txt"
    bad.write_text('{"text": "a"}\n{"other": 1}\n')
    empty.write_text("\n \n")
    binary.write_bytes(b"\xff\xfe\x00")
    table = tmp_path / "table.csv"
    table.write_text("text\nWhere is it?\n")
    output = ("--output", tmp_path / "v.npy")
    refused = {
        "no such file": ("embed", run.path, "--input", tmp_path / "no.txt", *output),
        "bad.jsonl:2: this is not an object with a text under 'text'": ("embed", run.path, "--input", bad, *output),
        "has no text": ("embed", run.path, "--input", empty, *output),
        "not UTF-8": ("embed", run.path, "--input", binary, *output),
        "must end in .npy or .jsonl": ("embed", run.path, "--input", corpus, "--output", "v.csv"),
        "There is no folder": ("embed", run.path, "--input", corpus, "--output", tmp_path / "no" / "v.npy"),
        "neither text nor other": ("embed", run.path, "--input", corpus, *output, "--role", "x"),
        "run of the task reranking": ("embed", reranker.path, "--input", corpus, *output),
        "is for JSON lines (.jsonl)": ("embed", run.path, "--input", corpus, *output, "--column", "body"),
        "table.csv has neither one text per line": ("search", run.path, "lamp", "--corpus", table),
        "The query is empty": ("search", run.path, " ", "--corpus", corpus),
    }
    for message, arguments in refused.items():
        code, _, err = zoo(*arguments)
        assert code != 0
        assert message in err
        assert err.count("\n") == 1, err
    assert not (tmp_path / "v.npy").exists()
