"""Requests of every kind over HTTP: each has its answer or one sentence, and the server goes on."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from .kit import Echo, Running, read_response, running, served, wait_for

LABEL = {"label": "a", "score": 0.75, "scores": {"a": 0.75, "b": 0.25}}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(served(Echo()), timeout=1.5, max_body=100_000, max_chars=1000, max_inputs=20) as found:
        yield found


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"text": "x"}, {"text": "x", **LABEL}),
        ("x", {"text": "x", **LABEL}),
        ({"inputs": "x"}, {"text": "x", **LABEL}),
        ({"inputs": {"text": "x"}}, {"text": "x", **LABEL}),
        ({"inputs": ["x", {"text": "y"}]}, [{"text": "x", **LABEL}, {"text": "y", **LABEL}]),
        (["x"], [{"text": "x", **LABEL}]),
        ({"inputs": "x", "parameters": {"top_k": None}}, {"text": "x", **LABEL}),
        ({"inputs": "x", "parameters": {"min_confidence": 0.5}}, {"text": "x", **LABEL}),
        ({"inputs": []}, []),
        ({"text": "\x00 <b>&'\" \U0001f600 \u2028"}, {"text": "\x00 <b>&'\" \U0001f600 \u2028", **LABEL}),
    ],
)
def test_forms_of_a_request(server: Running, asked: Any, answer: Any) -> None:
    response = server.post("/predict", asked)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == answer


BODIES = {
    "nothing": (b"", 400, "no body"),
    "binary": (bytes(range(256)), 400, "not UTF-8"),
    "a NUL": (b'{"text": "a\0b"}', 400, "not JSON"),
    "half an object": (b'{"text": ', 400, "not JSON (Expecting value, line 1, column 10)"),
    "a form": (b"text=hello", 400, "not JSON"),
    "NaN": (b'{"text": NaN}', 400, "NaN, which is not JSON"),
    "a huge number": (b'{"text": %s}' % (b"9" * 9000), 400, "a number that is too long"),
    "deep lists": (b"[" * 50_000, 400, "nested too deeply"),
    "a deep object": (b'{"text": ' + b'{"a": ' * 50 + b"1" + b"}" * 51, 400, "nested too deeply"),
    "a key twice": (b'{"text": "a", "text": "b"}', 400, "has the key 'text' twice"),
    "a number": (b"5", 422, "The input is a number"),
    "null": (b"null", 422, "The input is null"),
    "a number among texts": (b'["a", 5]', 422, "Input 2 is a number"),
    "a list of lists": (b'{"inputs": [["a", "b"]]}', 422, "Input 1 is a list"),
    "inputs of true": (b'{"inputs": true}', 422, "The input is true or false"),
    "an unknown parameter": (b'{"inputs": "a", "topk": 3}', 422, "There is no parameter 'topk'"),
    "parameters of text": (b'{"inputs": "a", "parameters": "x"}', 422, "parameters is a text"),
    "a model of lists": (b'{"text": "a", "model": []}', 422, "model is a list"),
    "an unknown model": (b'{"text": "a", "model": "ecko"}', 404, "Did you mean 'echo'?"),
    "full coverage": (b'{"text": "a", "coverage": 1}', 422, "must be a number above 0 and below 1"),
    "confidence as text": (b'{"text": "a", "min_confidence": "high"}', 422, "must be a number between 0 and 1"),
    "too much confidence": (b'{"text": "a", "min_confidence": 1e400}', 422, "must be a number between 0 and 1"),
    "a bad input": (b'["a", "bad", "c"]', 422, "Input 2: the text is bad."),
    "a long text": (json.dumps("x" * 1001).encode(), 413, "1001 characters, and 1000 are allowed"),
    "many inputs": (json.dumps(["x"] * 21).encode(), 413, "21 inputs, and 20 are allowed"),
    "a long body": (json.dumps("x" * 200_000).encode(), 413, "more than 100000 bytes"),
    "half a character as a model": (b'{"text": "a", "model": "\\ud800"}', 404, "There is no model named"),
    "packed": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 400, "not UTF-8"),
}


def is_one_sentence(content: bytes) -> str:
    found = json.loads(content)
    assert list(found) == ["error"]
    message: str = found["error"]
    assert message.endswith((".", "?"))
    assert "\n" not in message
    assert "Traceback" not in message
    assert len(message) <= 500
    return message


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_is_refused_in_one_sentence(server: Running, name: str) -> None:
    body, status, message = BODIES[name]
    response = server.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, message in is_one_sentence(response.content)) == (status, True), response.text
    assert server.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/nothing", 404, "no such path"),
        ("GET", "/predict", 405, "not take that method"),
        ("DELETE", "/models", 405, "not take that method"),
        ("POST", "/predict/..%2f..%2fetc", 404, "no such path"),
        ("POST", "/predict/none", 404, "There is no model named 'none'; there are echo."),
        ("GET", "/v2/models/none", 404, "There is no model named"),
    ],
)
def test_a_wrong_path_is_refused_in_one_sentence(
    server: Running, method: str, path: str, status: int, message: str
) -> None:
    with server.client() as client:
        response = client.request(method, path, content=b'"x"' if method == "POST" else None)
    assert (response.status_code, message in is_one_sentence(response.content)) == (status, True), response.text


RAW = {
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, 400),
    "a line of text": (b"hello there\r\n\r\n", 400),
    "endless headers": (b"POST /predict HTTP/1.1\r\n" + b"X: y\r\n" * 40_000, 431),
    "a long header": (b"POST /predict HTTP/1.1\r\nX: " + b"y" * 100_000, 431),
    "two lengths": (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
    "a length and chunks": (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'3\r\n"x"\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n',
        400,
    ),
    "chunks in disguise": (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a wrong length": (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
    "slow headers": (b"POST /predict HTT", 408),
    "nothing at all": (b"", 408),
    "a slow body": (b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\n[", 408),
    "broken chunks": (b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
}


@pytest.mark.parametrize("name", RAW)
def test_what_is_hardly_a_request_is_refused_in_one_sentence(server: Running, name: str) -> None:
    sent, status = RAW[name]
    with server.connect() as connection:
        connection.sendall(sent)
        begin = time.monotonic()
        found, body = read_response(connection)
    assert time.monotonic() - begin < 10
    assert found == status
    is_one_sentence(body)
    assert server.get("/health").status_code == 200


def test_50_megabytes_are_refused_before_and_while_they_arrive(server: Running) -> None:
    size = 50_000_000
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    with server.connect() as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % size)
        assert read_response(connection)[0] == 413
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with server.connect() as connection:  # which does not say how long it is
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 2)
        assert read_response(connection)[0] == 413
    response = server.post("/predict", content=(b" " * 65536 for _ in range(size // 65536)))
    assert response.status_code == 413
    is_one_sentence(response.content)


def test_a_body_without_end_has_one_answer(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        received = b""
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
                time.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65536):
                received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    is_one_sentence(body)


def test_a_packed_body_is_refused(server: Running) -> None:
    response = server.post("/predict", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415
    assert "packed ('gzip')" in is_one_sentence(response.content)


def test_inputs_of_a_client_that_is_gone_are_not_predicted() -> None:
    model = Echo()
    with running(served(model), batch_wait=0) as found:
        model.free.clear()
        sent = b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"%c"'
        with found.connect() as first, found.connect() as gone, found.connect() as last:
            first.sendall(sent % b"a")
            wait_for(lambda: len(model.batches) == 1)
            gone.sendall(sent % b"b")
            last.sendall(sent % b"c")
            wait_for(lambda: 'zoo_queue_inputs{model="echo"} 2.0' in found.get("/metrics").text)
            gone.close()
            wait_for(lambda: 'status="499"} 1.0' in found.get("/metrics").text)
            model.free.set()
            assert last.recv(100).startswith(b"HTTP/1.1 200 ")
    assert model.batches == [["a"], ["c"]]


def test_a_crash_of_the_model_is_told_without_its_reason(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    response = server.post("/predict", ["x", "broken"])
    assert response.status_code == 500
    assert is_one_sentence(response.content) == "The model failed on this input; the server's log says why."
    assert "a secret of the server" in caplog.text
    assert server.post("/predict", "x").status_code == 200


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    model = Echo()
    with running(served(model), timeout=0.3) as found:
        model.free.clear()
        response = found.post("/predict", "x")
        model.free.set()
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert "longer than 0.3 seconds" in is_one_sentence(response.content)
        assert found.post("/predict", "x").status_code == 200


@pytest.mark.parametrize("outputs", [["label", "label"], ["prediction", "score", "label", "prediction"]])
def test_an_output_is_given_once(server: Running, outputs: list[str]) -> None:
    """Each takes the place of all predictions, and a name only two bytes."""
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["x"]}
    body = {"inputs": [tensor], "outputs": [{"name": name} for name in outputs]}
    response = server.post("/v2/models/echo/infer", body)
    assert (response.status_code, f"{outputs[0]} is asked for" in is_one_sentence(response.content)) == (400, True)
    response = server.post("/v2/models/echo/infer", {"inputs": [tensor] * 2})
    assert (response.status_code, "input text is there more than" in is_one_sentence(response.content)) == (400, True)
    body["outputs"] = body["outputs"][1:3]
    assert server.post("/v2/models/echo/infer", body).status_code == 200


def test_binary_tensors_are_read_and_written_one_after_the_other() -> None:
    from taskzoo.serve.binary import HEADER, answer_response, read_binary
    from taskzoo.serve.failures import HttpError

    def tensors(*sizes: int) -> dict[str, Any]:
        return {"inputs": [{"name": "text", "parameters": {"binary_data_size": size}} for size in sizes]}

    data = b"\1\0\0\0a\2\0\0\0bc\0\0\0\0"
    assert [tensor["data"] for tensor in read_binary(tensors(5, 10), data)["inputs"]] == [["a"], ["bc", ""]]
    with pytest.raises(HttpError, match="binary_data_size 11; 10 bytes are left"):
        read_binary(tensors(5, 11), data)
    with pytest.raises(HttpError, match="10 bytes more than its tensors"):
        read_binary(tensors(5), data)
    outputs = [{"name": name, "datatype": "BYTES", "shape": [1], "data": [text]} for name, text in ("ab", "cd")]
    response = answer_response({"outputs": outputs}, {"parameters": {"binary_data_output": True}})
    assert bytes(response.body)[int(response.headers[HEADER]) :] == b"\1\0\0\0b\1\0\0\0d"


def test_requests_that_disappear_do_no_harm(server: Running) -> None:
    for sent in (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", b"GET / HT", b""):
        for _ in range(5):
            with server.connect() as connection:
                connection.sendall(sent)
    assert server.post("/predict", "x").status_code == 200


@pytest.mark.parametrize("name", ["values", "names", "keys twice", "shape", "binary"])
def test_what_costs_much_and_says_little_is_answered_soon(name: str) -> None:
    """Each took seconds, in which nobody else had an answer."""
    many = 300_000
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES"}
    path, headers = "/v2/models/echo/infer", dict[str, str]()
    if name == "values":
        path, body = "/predict", json.dumps({"text": "a", "x": [[]] * many}).encode()
    elif name == "names":
        path, body = "/predict", json.dumps({"text": "a", **{f"column {i}": "" for i in range(many // 10)}}).encode()
    elif name == "keys twice":
        keys = [*range(many // 2), many // 2 - 1]
        path, body = "/predict", ("{" + ",".join(f'"{key}":0' for key in keys) + "}").encode()
    elif name == "shape":
        body = json.dumps({"inputs": [{**tensor, "shape": [9] * many, "data": ["x"]}]}).encode()
    else:
        head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": 4 * many}}]}).encode()
        body, headers = head + bytes(4 * many), {"Inference-Header-Content-Length": str(len(head))}
    with running(served(Echo()), max_body=3_000_000, max_chars=20_000) as server:
        began = time.monotonic()
        response = server.post(path, content=body, headers=headers)
        assert response.status_code in (400, 413, 422), response.text
        assert time.monotonic() - began < 5
        assert server.post("/predict", {"text": "x"}).json() == {"text": "x", **LABEL}
