"""The process: overload, its end, its key, and what it says of itself."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")

import httpx2 as httpx
from tests.core.runs.kit import zoo

from taskzoo.serve import server as server_module
from taskzoo.serve.app import Service
from taskzoo.serve.limits import Limits
from taskzoo.serve.openapi import openapi
from taskzoo.testing.serving import serving

from .kit import Echo, Running, read_response, running, served, wait_for

POST = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"


def request(text: str) -> bytes:
    body = json.dumps(text).encode()
    return POST % (len(body), body)


class Slow(Echo):
    """Takes five milliseconds for an input."""

    def predict(self, inputs, *, min_confidence=None, coverage=None):
        time.sleep(0.005 * len(inputs))
        return super().predict(inputs)


def test_under_overload_some_are_refused_and_none_is_lost_or_mixed_up() -> None:
    def ask(server: Running, number: int) -> tuple[int, bool]:
        with server.client() as client:
            response = client.post("/predict", json=f"text {number}")
        if response.status_code == 429:
            return 429, response.headers["retry-after"].isdecimal() and "error" in response.json()
        return response.status_code, response.json()["text"] == f"text {number}"

    with running(served(Slow()), max_queue=8, max_inputs=8, batch_inputs=4) as server:
        with ThreadPoolExecutor(32) as threads:
            found = list(threads.map(lambda number: ask(server, number), range(300)))
        assert all(right for _, right in found)
        counts = Counter(status for status, _ in found)
        assert set(counts) == {200, 429}
        metrics = server.get("/metrics").text
    for status, count in counts.items():
        assert f'zoo_requests_total{{endpoint="predict",status="{status}"}} {count}.0\n' in metrics
    assert f'zoo_batch_inputs_sum{{model="echo"}} {counts[200]}.0\n' in metrics


def test_a_server_that_is_stopped_answers_what_it_accepted() -> None:
    model = Echo()
    with running(served(model), batch_inputs=4) as server:
        model.free.clear()
        connections = [server.connect() for _ in range(20)]
        for number, connection in enumerate(connections):
            connection.sendall(request(f"text {number}"))
        idle = server.connect()
        wait_for(
            lambda: 'zoo_queue_inputs{model="echo"}' in (text := server.get("/metrics").text) and waiting(text) > 12
        )
        server.server.should_exit = True
        wait_for(lambda: refuses(server.port))
        model.free.set()
        for number, connection in enumerate(connections):
            status, body = read_response(connection)
            assert (status, json.loads(body)["text"]) == (200, f"text {number}")
        server.thread.join(20)
        assert not server.thread.is_alive()
        for connection in (*connections, idle):
            connection.close()


def test_a_connection_that_is_accepted_while_the_server_stops_is_answered() -> None:
    with running(served(Echo())) as server:
        stopped = asyncio.Event()

        async def on_tick(counter: int) -> bool:
            return stopped.is_set()

        server.server.on_tick = on_tick
        server.server.should_exit = True
        with server.connect() as connection, server.connect() as idle:
            connection.sendall(request("late"))
            assert read_response(connection)[0] == 200
            assert read_response(idle)[0] == 408
        stopped.set()


def waiting(metrics: str) -> float:
    found = re.search(r'^zoo_queue_inputs\{model="echo"\} (.*)$', metrics, re.MULTILINE)
    assert found
    return float(found[1])


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def test_sigterm_in_mid_load_ends_the_command_with_0_when_all_is_answered(run_of: Callable[[str], Path]) -> None:
    run, port = run_of("single"), free_port()
    statuses: list[int] = []
    lost: list[Exception] = []
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    def load() -> None:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: not refuses(port), 120)
        with httpx.Client(base_url=url, timeout=30, verify=False) as client:
            client.get("/health")
            killer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
            killer.start()
            with ThreadPoolExecutor(16) as threads:
                for _ in range(16):
                    threads.submit(ask_until_the_end, url)

    def ask_until_the_end(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30, verify=False) as client:
            while True:
                try:
                    statuses.append(client.post("/predict", json="the good film").status_code)
                except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                    lost.append(error)  # the server is gone, or closed an idle connection
                    return

    client = threading.Thread(target=load)
    client.start()
    result = zoo("serve", run, "--port", port)
    client.join()
    assert (result.code, result.out) == (0, "")
    assert f"Serving single (classification) at http://127.0.0.1:{port}\n" in result.err
    assert result.err.endswith("Stopped.\n")
    assert set(statuses) == {200}
    assert len(lost) == 16
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers


@pytest.fixture(scope="module")
def locked() -> Iterator[Running]:
    with running(served(Echo()), key="s3cret") as found:
        yield found


@pytest.mark.parametrize(
    "path", ["/predict", "/", "/models", "/metrics", "/openapi.json", "/v2", "/nothing", "/health/x"]
)
def test_without_the_key_nothing_is_told(locked: Running, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "s3cret2"}, {"Authorization": "s3cre"}):
        method = "POST" if path in ("/predict", "/") else "GET"
        with locked.client(headers=headers) as client:
            response = client.request(method, path, content=b'"x"' if method == "POST" else None)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert response.json() == {
            "error": "The API key is missing or wrong; send the header Authorization: Bearer KEY."
        }


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer s3cret"}, {"Authorization": "bearer  s3cret"}, {"X-API-Key": "s3cret"}]
)
def test_with_the_key_it_answers(locked: Running, headers: dict[str, str]) -> None:
    assert locked.post("/predict", "x", headers=headers).status_code == 200
    assert locked.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/v2/health/live", "/v2/health/ready", "/"])
def test_probes_and_the_page_need_no_key(locked: Running, path: str) -> None:
    assert locked.get(path).status_code == 200


def test_the_openapi_document_describes_every_route_and_no_other(locked: Running) -> None:
    model = served(Echo())
    described = openapi([model])
    routes = {
        (route.path, method.lower())
        for route in Service({"echo": model}, Limits()).routes()
        for method in (route.methods or ()) - {"HEAD"}
    }
    assert {(path, method) for path, item in described["paths"].items() for method in item} == routes
    served_document = locked.get("/openapi.json", headers={"X-API-Key": "s3cret"}).json()
    assert served_document == json.loads(json.dumps(described))
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert names == set(described["components"]["schemas"])


def test_the_open_inference_protocol_says_what_it_has() -> None:
    with running(served(Echo(), "one"), served(Echo(), "two")) as server:
        assert server.get("/v2").json()["name"] == "taskzoo"
        assert server.get("/v2/health/live").json() == {"live": True}
        assert server.get("/v2/health/ready").json() == {"ready": True}
        assert server.get("/v2/models/two/ready").json() == {"name": "two", "ready": True}
        metadata = server.get("/v2/models/two").json()
        assert metadata["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
        tensor = {"name": "text", "shape": [2, 1], "datatype": "BYTES", "data": [["x"], ["y"]]}
        found = server.post("/v2/models/two/infer", {"id": "7", "inputs": [tensor]}).json()
        assert (found["model_name"], found["id"]) == ("two", "7")
        outputs = {output["name"]: output for output in found["outputs"]}
        assert list(outputs) == [output["name"] for output in metadata["outputs"]] == ["prediction", "label", "score"]
        assert outputs["label"] == {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["a", "a"]}
        assert outputs["score"]["data"] == [0.75, 0.75]


def packed(*texts: str) -> bytes:
    """Texts as the binary tensor data extension has them."""
    return b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in texts)


def post_binary(server: Running, body: object, data: bytes, length: int | None = None) -> httpx.Response:
    head = json.dumps(body).encode()
    header = {"Inference-Header-Content-Length": str(len(head) if length is None else length)}
    return server.post("/v2/models/echo/infer", content=head + data, headers=header)


def binary_tensor(data: bytes) -> dict[str, object]:
    return {"name": "text", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}


def test_the_binary_data_that_triton_s_client_sends_and_asks_for() -> None:
    data = packed("\u00e9", "")
    label = {"name": "label", "parameters": {"binary_data": True}}
    score = {"name": "score", "parameters": {"binary_data": False}}
    with running(served(Echo())) as server:
        assert server.get("/v2").json()["extensions"] == ["binary_tensor_data"]
        body = {"inputs": [binary_tensor(data)], "outputs": [label, score, {"name": "prediction"}]}
        response = post_binary(server, body, data)
        size = int(response.headers["inference-header-content-length"])
        outputs = {output["name"]: output for output in json.loads(response.content[:size])["outputs"]}
        assert response.content[size:] == packed("a", "a")
        assert outputs["label"] == {
            "name": "label",
            "datatype": "BYTES",
            "shape": [2],
            "parameters": {"binary_data_size": 10},
        }
        assert outputs["score"]["data"] == [0.75, 0.75]
        assert [json.loads(line)["text"] for line in outputs["prediction"]["data"]] == ["\u00e9", ""]
        body = {"inputs": [binary_tensor(data)], "parameters": {"binary_data_output": True}}
        response = post_binary(server, body, data)
        assert response.content.endswith(packed("a", "a") + struct.pack("<2d", 0.75, 0.75))


@pytest.mark.parametrize(
    ("size", "data", "length", "message"),
    [
        (10, packed("a", "b"), 5000, "The header Inference-Header-Content-Length is '5000'"),
        (10, packed("a", "b"), -1, "The header Inference-Header-Content-Length is '-1'"),
        (11, packed("a", "b"), None, "has the binary_data_size 11; 10 bytes are left for it"),
        (5, packed("a", "b"), None, "has 5 bytes more than its tensors"),
        (9, packed("a", "b")[:9], None, "ends within a text"),
        (2, b"ab", None, "ends within a text"),
        (5, b"\x01\0\0\0\xff", None, "a text that is not UTF-8"),
        (5, packed("a"), None, "The shape of the input text says 2, and its data has 1 texts."),
    ],
)
def test_binary_data_that_is_not_the_tensors(size: int, data: bytes, length: int | None, message: str) -> None:
    tensor = {**binary_tensor(data), "parameters": {"binary_data_size": size}}
    with running(served(Echo())) as server:
        response = post_binary(server, {"inputs": [tensor]}, data, length)
    assert (response.status_code, message in response.json()["error"]) == (400, True), response.text


TENSOR = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["x"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], 'needs "inputs"'),
        ({}, 'needs "inputs"'),
        ({"inputs": ["x"]}, 'needs "inputs"'),
        ({"inputs": []}, "The input text is missing."),
        ({"inputs": [{**TENSOR, "name": "txt"}]}, "There is no input 'txt'; the inputs of echo are text."),
        ({"inputs": [{**TENSOR, "name": []}]}, "There is no input []"),
        ({"inputs": [{**TENSOR, "datatype": "FP32"}]}, "datatype 'FP32'; it must be BYTES"),
        ({"inputs": [{**TENSOR, "shape": [2]}]}, "says 2, and its data has 1 texts"),
        ({"inputs": [{**TENSOR, "shape": "1"}]}, "says '1', and its data has 1 texts"),
        ({"inputs": [{**TENSOR, "data": "x"}]}, "is a text; give a list of texts"),
        ({"inputs": [{**TENSOR, "data": [5]}]}, "holds a number; give texts only"),
        ({"inputs": [TENSOR], "outputs": [{"name": "logits"}]}, "There is no output 'logits'"),
        ({"inputs": [TENSOR], "outputs": 5}, "outputs is 5; give a list of objects with a name"),
        ({"inputs": [TENSOR], "outputs": [{"name": "prediction"}, 5]}, "give a list of objects with a name"),
        ({"inputs": [{**TENSOR, "shape": [9] * 9000}]}, "and its data has 1 texts"),
        ({"inputs": [TENSOR], "parameters": 5}, "parameters is a number"),
        ({"inputs": [TENSOR], "parameters": {"top_k": 5}}, "There is no parameter 'top_k'"),
    ],
)
def test_tensors_that_are_not_the_model_s(body: object, message: str) -> None:
    with running(served(Echo())) as server:
        response = server.post("/v2/models/echo/infer", body)
    assert (response.status_code, message in response.json()["error"]) == (400, True), response.text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "There is no run at 'nowhere'."),
        (["a", "a"], "Two runs are named 'a'; give one of them another name: NAME=a."),
        (["x/ä b"], "'ä b' cannot be a model's name (letters, digits, '.', '_', '-'); give NAME=x/ä b."),
        (["a", "--port", "70000"], "port 70000"),
        (["a", "--host", "203.0.113.9"], "Cannot listen at 203.0.113.9, port 8000"),
        (["a", "--max-queue", "5"], "--max-inputs 256 is more than --max-queue 5"),
        (["a", "--api-key", ""], "--api-key must be visible ASCII characters"),
        (["a", "--timeout", "inf"], "--timeout inf must be a finite number."),
        (["a", "--timeout", "0"], "--timeout 0.0 must be more than 0."),
        (["a", "--min-confidence", "7"], "between 0 and 1"),
        (["a", "--coverage", "1"], "above 0 and below 1"),
    ],
)
def test_a_wrong_command_is_one_sentence(words: list[str], message: str) -> None:
    result = zoo("serve", *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1


def test_a_server_of_its_own_process_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"did not start: .*There is no run at 'nowhere'"), serving(["nowhere"]):
        pass


def test_a_port_in_use_is_said_before_a_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = zoo("serve", "nowhere", "--port", port)
    assert result.code == 2
    assert f"Cannot listen at 127.0.0.1, port {port}: Address already in use" in result.err


def test_more_connections_than_there_may_be_are_refused_and_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CONNECTIONS", 2)
    with running(served(Echo())) as server:
        with server.connect(), server.connect() as second:
            second.sendall(request("too many"))
            assert read_response(second)[0] == 503
        wait_for(lambda: server.get("/health").status_code == 200)
