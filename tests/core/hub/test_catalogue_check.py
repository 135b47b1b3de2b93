"""The catalogue compared with a stand-in of the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.core.runs.kit import zoo

from taskzoo import registry
from taskzoo.registry import lookup
from taskzoo.registry.layers import read_mapping

from .conftest import use_hub


def model(repo: str, **more: Any) -> dict[str, Any]:
    return {"hub": repo, "family": "bert", "kind": "encoder", "languages": ["en"], **more}


CATALOGUE = {
    "models": {
        "right": model("me/right", parameters=100, context_length=512, license="mit"),
        "roberta": model("me/roberta", family="roberta", context_length=512, license="mit"),
        "wrong": model("me/wrong", parameters=150, context_length=256, license="mit", gated=True),
        "short": model("me/short"),
        "gone": model("me/gone"),
        "moved": model("me/right", revision="v9"),
        "local": {**model(""), "hub": None, "path": "here"},
    },
    "datasets": {
        "script": {"hub": "me/script", "tasks": "ner"},
        "export": {"hub": "me/export", "config": "AIC", "revision": "refs/convert/parquet", "tasks": "ner"},
        "other": {"hub": "me/export", "config": "ABC", "revision": "refs/convert/parquet", "tasks": "ner"},
        "slow": {"hub": "me/slow", "tasks": "ner"},
    },
}


def info(repo: str, license: str, *files: str, **more: Any) -> dict[str, Any]:
    siblings = [{"rfilename": name} for name in files]
    return {"id": repo, "sha": "1" * 40, "tags": [f"license:{license}"], "siblings": siblings, "gated": False, **more}


def sized(total: int) -> dict[str, Any]:
    return {"safetensors": {"parameters": {"F32": total}, "total": total}}


BERT = {"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}
ROBERTA = {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}
ANSWERS = {
    "/api/models/me/right": info("me/right", "mit", "config.json", **sized(104)),
    "/me/right/resolve/main/config.json": BERT,
    "/api/models/me/roberta": info("me/roberta", "mit", "config.json"),
    "/me/roberta/resolve/main/config.json": ROBERTA,
    "/api/models/me/wrong": info("me/wrong", "apache-2.0", "config.json", **sized(100)),
    "/me/wrong/resolve/main/config.json": {**BERT, "model_type": "modernbert"},
    "/api/models/me/short": info("me/short", "mit", **sized(7)),
    "/api/datasets/me/script": info("me/script", "mit", "script.py"),
    "/api/datasets/me/export/revision/refs%2Fconvert%2Fparquet": info("me/export", "mit", "AIC/train/0000.parquet"),
}
REFUSALS = {
    "/api/models/me/gone": (404, "RepoNotFound"),
    "/api/models/me/right/revision/v9": (404, "RevisionNotFound"),
    "/api/datasets/me/slow": (418, ""),
}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            code, kind = REFUSALS.get(self.path, (200 if self.path in ANSWERS or self.path == "/" else 500, ""))
            content = json.dumps(ANSWERS.get(self.path, {})).encode()
            self.send_response(code)
            self.send_header("X-Error-Code", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    use_hub(monkeypatch, f"http://127.0.0.1:{server.server_port}", tmp_path)
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    layers = [read_mapping({"version": 2, **CATALOGUE}, "test")]
    monkeypatch.setattr(lookup._process, "_given", (None, layers))
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


@pytest.mark.usefixtures("stand_in", "catalogue")
def test_every_difference_is_found_and_nothing_else() -> None:
    result = zoo("check-catalogue", "--json")
    assert result.code == 1
    found = {(one["name"], one["fact"]): (one["catalogue"], one["hub"]) for one in json.loads(result.out)}
    assert found == {
        ("wrong", "gated"): ("yes", "no"),
        ("wrong", "license"): ("mit", "apache-2.0"),
        ("wrong", "family"): ("bert", "modernbert"),
        ("wrong", "parameters"): ("150", "100"),
        ("wrong", "context_length"): ("256", "512"),
        ("short", "license"): (None, "mit"),
        ("short", "parameters"): (None, "7"),
        ("gone", "hub"): ("me/gone", "not found, or private"),
        ("moved", "revision"): ("v9", "not found"),
        ("script", "license"): (None, "mit"),
        ("script", "files"): ("data", "script.py, a script, which cannot be read"),
        ("export", "license"): (None, "mit"),
        ("other", "license"): (None, "mit"),
        ("other", "config"): ("ABC", "AIC"),
    }
    assert "slow: the hub gave no answer (" in result.err
    assert "9 of 10 entries were checked: 9 differences, 5 facts that the catalogue has not." in result.err


@pytest.mark.usefixtures("stand_in", "catalogue")
def test_only_what_is_named_and_what_agrees_is_said() -> None:
    result = zoo("check-catalogue", "--only", "right, roberta")
    assert (result.code, result.out) == (0, "")
    assert "2 of 2 entries were checked: 0 differences, 0 facts" in result.err
    assert zoo("check-catalogue", "--only", "short").code == 0  # the catalogue lacks a fact, which is not wrong
    unknown = zoo("check-catalogue", "--only", "rigth")
    assert unknown.code == 2
    assert "There is no model or data set on the hub named 'rigth'. Did you mean 'right'?" in unknown.err


@pytest.mark.usefixtures("catalogue")
def test_without_the_hub_it_is_one_sentence(no_hub: str) -> None:
    result = zoo("check-catalogue")
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert f"Nothing was checked: the hub ({no_hub}) cannot be reached (" in result.err
