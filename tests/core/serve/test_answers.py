"""A server's answers are the lines of ``zoo predict``, whatever shares their batch."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")

from tests.core.runs.kit import zoo

import taskzoo
from taskzoo.errors import RequestError
from taskzoo.serve.options import PredictOptions
from taskzoo.serve.served import Served, make_served

from .kit import Running, running

TEXTS = [
    "the good film",
    "Ada Lovelace went to Paris .",
    "",
    '<b>bad</b> & \U0001f600 "film"',
    "x " * 40,
    "\u2028 a\x00b",
]
SEQ2SEQ = ("translation", "summarization")
TENSORS = {
    "single": ["label", "score"],
    "pairs": ["label", "score"],
    "stars": ["value"],
    "translation": ["text", "score"],
    "summarization": ["text", "score"],
}
PAIRS = [{"text": text, "text_pair": other} for text, other in zip(TEXTS[:2], TEXTS[3:5], strict=True)]


def load(path: Path, name: str, **options: float) -> Served:
    run = taskzoo.load(path)
    run.say = lambda note: None
    return make_served(name, run, run.spec, run.task.input_roles, PredictOptions(**options))


def check_answers(run: Path, kind: str) -> None:
    """All forms of a request give the lines of the command, one at a time and many at once."""
    asked = PAIRS if kind == "pairs" else [{"source" if kind in SEQ2SEQ else "text": text} for text in TEXTS]
    lines = zoo("predict", run, "--json", stdin="".join(f"{json.dumps(item)}\n" for item in asked)).out.splitlines()
    assert len(lines) == len(asked)
    with running(load(run, kind)) as server:
        together = server.post("/predict", {"inputs": asked})
        assert together.text == "[" + ",\n".join(lines) + "]\n"
        with ThreadPoolExecutor(8) as threads:
            each = list(threads.map(lambda item: server.post(f"/predict/{kind}", item).text, asked * 3))
        assert each == [f"{line}\n" for line in lines] * 3
        check_open_inference(server, kind, asked, lines)


def check_open_inference(server: Running, kind: str, asked: list[dict[str, str]], lines: list[str]) -> None:
    names = [tensor["name"] for tensor in server.get(f"/v2/models/{kind}").json()["inputs"]]
    tensors = [
        {"name": name, "shape": [len(asked)], "datatype": "BYTES", "data": [item[name] for item in asked]}
        for name in names
    ]
    outputs = server.post(f"/v2/models/{kind}/infer", {"inputs": tensors}).json()["outputs"]
    assert outputs[0] == {"name": "prediction", "datatype": "BYTES", "shape": [len(asked)], "data": lines}
    predictions = [json.loads(line) for line in lines]
    for output in outputs[1:]:
        absent = None if output["datatype"] == "FP64" else ""
        values = [prediction.get(output["name"]) for prediction in predictions]
        assert output["data"] == [absent if value is None else value for value in values]
    assert [output["name"] for output in outputs[1:]] == TENSORS.get(kind, [])


@pytest.mark.parametrize("kind", ["single", "ner", "translation"])
def test_answers_are_the_lines_of_zoo_predict(run_of: Callable[[str], Path], kind: str) -> None:
    check_answers(run_of(kind), kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["multi", "pairs", "stars", "summarization"])
def test_answers_of_the_other_tasks_too(run_of: Callable[[str], Path], kind: str) -> None:
    check_answers(run_of(kind), kind)


def test_the_client_of_the_hub_reads_the_answers(run_of: Callable[[str], Path], monkeypatch) -> None:
    from huggingface_hub import InferenceClient, constants

    monkeypatch.setattr(constants, "is_offline_mode", lambda: False)  # the server is on this machine
    models = [load(run_of(kind), kind) for kind in ("single", "ner", "translation")]
    with running(*models) as server:
        text = "Ada Lovelace went to Paris ."
        predictions = {served.name: served.predict([text], PredictOptions())[0] for served in models}

        def client(name: str) -> InferenceClient:
            return InferenceClient(model=f"{server.url}/models/{name}")

        labels = client("single").text_classification("Ada Lovelace went to Paris .")
        assert [(found.label, found.score) for found in labels] == list(predictions["single"]["scores"].items())
        entities = client("ner").token_classification("Ada Lovelace went to Paris .")
        wanted = predictions["ner"]["entities"]
        assert wanted
        assert [(e.entity_group, e.word, e.start, e.end, e.score) for e in entities] == [
            (e["label"], e["text"], e["start"], e["end"], e["score"]) for e in wanted
        ]
        translated = client("translation").translation("Ada Lovelace went to Paris .")
        assert translated.translation_text == predictions["translation"]["text"]


def test_each_model_of_several_is_found_by_path_and_by_name(run_of: Callable[[str], Path]) -> None:
    with running(load(run_of("single"), "one"), load(run_of("ner"), "two")) as server:
        assert "label" in server.post("/predict/one", "a film").json()
        assert "entities" in server.post("/predict", {"inputs": "a film", "model": "two"}).json()
        assert server.post("/predict", "a film").json() == {
            "error": "Several models are served; name one in the path or as model: one, two."
        }
        clash = server.post("/predict/one", {"inputs": "a film", "model": "two"})
        assert (clash.status_code, clash.json()["error"]) == (
            422,
            "The path names the model 'one', and the request 'two'.",
        )
        listed = server.get("/models").json()["models"]
        assert [(model["name"], model["task"], model["inputs"]) for model in listed] == [
            ("one", "classification", ["text"]),
            ("two", "ner", ["text"]),
        ]


def test_a_label_is_left_out_below_the_confidence_that_is_asked_for(run_of: Callable[[str], Path]) -> None:
    run = run_of("single")
    wanted = zoo("predict", run, "--min-confidence", "0.999", "the good film").json
    assert wanted["abstained"]
    with running(load(run, "single")) as server:
        assert server.post("/predict", {"inputs": "the good film", "min_confidence": 0.999}).json() == wanted
        assert not server.post("/predict", {"inputs": "the good film", "min_confidence": 0}).json()["abstained"]
    with running(load(run_of("translation"), "t")) as server:
        refused = server.post("/predict", {"inputs": "the good film", "min_confidence": 0.5})
        assert refused.status_code == 422
        assert "min_confidence" in refused.json()["error"]


def test_answers_for_the_hub_leave_out_what_is_less_probable(run_of: Callable[[str], Path]) -> None:
    text = "Ada Lovelace went to Paris ."
    with running(load(run_of("single"), "plain"), load(run_of("single"), "strict", min_confidence=0.999)) as server:
        scores = {one["label"]: one["score"] for one in server.post("/models/plain", text).json()[0]}
        best = max(scores, key=scores.__getitem__)
        assert len(scores) > 1
        asked = {"inputs": text, "parameters": {"min_confidence": scores[best]}}
        assert server.post("/models/plain", asked).json() == [[{"label": best, "score": scores[best]}]]
        assert server.post("/models/strict", text).json() == [[]]
        lower = server.post("/models/strict", {"inputs": text, "min_confidence": 0}).json()
        assert {one["label"]: one["score"] for one in lower[0]} == scores
        refused = server.post("/models/plain", {"inputs": text, "coverage": 0.9})
    assert (refused.status_code, "no place for label sets" in refused.json()["error"]) == (422, True)


def test_label_sets_are_those_of_zoo_predict(run_of: Callable[[str], Path]) -> None:
    run, text = run_of("single"), "the good film"
    wanted = {share: zoo("predict", run, "--coverage", share, text).json for share in (0.5, 0.9)}
    assert all(wanted[share]["label_set"] for share in wanted)
    with running(load(run, "single"), load(run, "sets", coverage=0.9)) as server:
        for asked in ({"inputs": text, "coverage": 0.5}, {"inputs": text, "parameters": {"coverage": 0.5}}):
            for name in ("single", "sets"):
                assert server.post(f"/predict/{name}", asked).json() == wanted[0.5]
        assert server.post("/predict/sets", text).json() == wanted[0.9]
        assert "label_set" not in server.post("/predict/single", text).json()
        tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]}
        asked = {"inputs": [tensor], "parameters": {"coverage": 0.5}}
        found = server.post("/v2/models/single/infer", asked).json()
        assert json.loads(found["outputs"][0]["data"][0]) == wanted[0.5]
        refused = server.post("/predict/single", {"inputs": text, "coverage": 0.99})
        assert (refused.status_code, "coverage" in refused.json()["error"]) == (422, True)


def test_a_request_s_options_come_before_the_server_s() -> None:
    defaults = PredictOptions(min_confidence=0.2, coverage=0.9)
    assert PredictOptions(coverage=0.5).over(defaults) == PredictOptions(min_confidence=0.2, coverage=0.5)
    assert PredictOptions(min_confidence=0).over(defaults) == PredictOptions(min_confidence=0, coverage=0.9)


def test_what_a_model_can_be_asked_is_listed_and_the_rest_is_refused(run_of: Callable[[str], Path]) -> None:
    models = [load(run_of(kind), kind) for kind in ("single", "ner", "translation")]
    with running(*models) as server:
        listed = {model["name"]: model["parameters"] for model in server.get("/models").json()["models"]}
        assert listed == {"single": ["min_confidence", "coverage"], "ner": ["min_confidence"], "translation": []}
        refused = server.post("/predict/ner", {"inputs": "Ada", "coverage": 0.9})
    assert refused.status_code == 422
    assert refused.json()["error"].startswith("coverage needs predictions of one label with its probability")
    with pytest.raises(RequestError, match="coverage needs predictions of one label"):
        load(run_of("translation"), "translation", coverage=0.9)
