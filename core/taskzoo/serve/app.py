"""The routes of a server: from a request to inputs, from predictions to a response."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taskzoo.errors import nearest, shown
from taskzoo.types import Prediction

from . import binary, kserve
from .batching import Batcher
from .bodies import Asked, read_asked, read_json
from .failures import HttpError, input_error
from .hub import check_hub_options, hub_answers
from .limits import Limits
from .metrics import Metrics
from .middleware import ApiKey, Counting, OneLength
from .openapi import openapi
from .page import page_response
from .served import Served
from .wire import error_response, json_line, json_response

SEPARATOR = ",\n"


class Service:
    """Models with their queues, and the handlers of all routes.

    Args:
        models: at least one, by name.
        limits: of requests and queues.
    """

    def __init__(self, models: Mapping[str, Served], limits: Limits) -> None:
        self.models, self.limits, self.metrics = models, limits, Metrics()
        self._batchers: dict[str, Batcher] = {}
        self._workers: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Start the queues and the one thread that predicts; requests are all answered when this ends."""
        with ThreadPoolExecutor(1, "predict") as executor:
            for name, served in self.models.items():
                batcher = Batcher(served.predict, self.limits, executor, self.metrics.batches_of(name))
                self.metrics.watch_queue(name, batcher.__len__)
                self._batchers[name] = batcher
                self._workers.append(asyncio.create_task(batcher.run()))
            yield
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)

    def routes(self) -> list[Route]:
        """All of them; :func:`.openapi.openapi` describes each."""
        return [
            Route("/", page_response, methods=["GET"]),
            Route("/", self.hub, methods=["POST"]),
            Route("/models", self.list_models, methods=["GET"]),
            Route("/models/{name}", self.hub, methods=["POST"]),
            Route("/predict", self.predict, methods=["POST"]),
            Route("/predict/{name}", self.predict, methods=["POST"]),
            Route("/health", self.health, methods=["GET"]),
            Route("/metrics", self.show_metrics, methods=["GET"]),
            Route("/openapi.json", self.describe, methods=["GET"]),
            Route("/v2", self.server_metadata, methods=["GET"]),
            Route("/v2/health/live", self.live, methods=["GET"]),
            Route("/v2/health/ready", self.ready, methods=["GET"]),
            Route("/v2/models/{name}", self.model_metadata, methods=["GET"]),
            Route("/v2/models/{name}/ready", self.model_ready, methods=["GET"]),
            Route("/v2/models/{name}/infer", self.infer, methods=["POST"]),
        ]

    async def predict(self, request: Request) -> Response:
        """Answer with the lines of ``zoo predict``: one for one input, a list for several."""
        asked = read_asked(read_json(await self._body(request)))
        served = self._model(request, asked)
        lines = [json_line(prediction) for prediction in await self._predictions(request, served, asked)]
        return json_response(lines[0] if asked.single else f"[{SEPARATOR.join(lines)}]")

    async def hub(self, request: Request) -> Response:
        """Answer as a Hugging Face inference endpoint does."""
        asked = read_asked(read_json(await self._body(request)))
        served = self._model(request, asked)
        check_hub_options(asked.options)
        predictions = await self._predictions(request, served, asked)
        found = hub_answers(served, predictions, asked.options.over(served.options).min_confidence, single=asked.single)
        return json_response(json_line(found))

    async def infer(self, request: Request) -> Response:
        """Answer in the Open Inference Protocol."""
        served = self._model(request)
        text, data = binary.split_body(await self._body(request), request.headers.get(binary.HEADER))
        body = binary.read_binary(read_json(text), data)
        asked = Asked(kserve.read_inputs(served, body), False, options=kserve.read_options(body))
        kserve.wanted_outputs(served, body)
        predictions = await self._predictions(request, served, asked)
        return binary.answer_response(kserve.answer(served, body, predictions), body)

    async def list_models(self, _: Request) -> Response:
        """Names, tasks and inputs of the models."""
        models = [
            {"name": m.name, "task": m.task, "inputs": m.inputs, "parameters": m.takes} for m in self.models.values()
        ]
        return json_response(json_line({"models": models, "max_chars": self.limits.max_chars}))

    async def health(self, _: Request) -> Response:
        """Whether every model's queue is worked on."""
        return self._if_healthy({"status": "ok", "models": list(self.models)})

    async def live(self, _: Request) -> Response:
        """The same, as the Open Inference Protocol says it."""
        return self._if_healthy({"live": True})

    async def ready(self, _: Request) -> Response:
        """The same: models are loaded before the server starts."""
        return self._if_healthy({"ready": True})

    def _if_healthy(self, answer: dict[str, Any]) -> Response:
        if any(worker.done() for worker in self._workers):
            raise HttpError(503, "A model's queue has stopped; restart the server.")
        return json_response(json_line(answer))

    async def show_metrics(self, _: Request) -> Response:
        """The counters."""
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def describe(self, _: Request) -> Response:
        """The OpenAPI document."""
        return json_response(json_line(openapi(list(self.models.values()))))

    async def server_metadata(self, _: Request) -> Response:
        """Name and version."""
        from taskzoo import __version__

        return json_response(json_line({**kserve.SERVER, "version": __version__}))

    async def model_metadata(self, request: Request) -> Response:
        """Inputs and outputs of a model."""
        return json_response(json_line(kserve.metadata(self._model(request))))

    async def model_ready(self, request: Request) -> Response:
        """Whether a model can be used: a model is loaded before the server starts."""
        return json_response(json_line({"name": self._model(request).name, "ready": True}))

    def _model(self, request: Request, asked: Asked | None = None) -> Served:
        """The model named by the path or the request, or the only one."""
        asked_for = asked.model if asked else None
        name = request.path_params.get("name", asked_for)
        if asked_for not in (None, name):
            raise HttpError(422, f"The path names the model {shown(name)}, and the request {shown(asked_for)}.")
        if name is None and len(self.models) == 1:
            return next(iter(self.models.values()))
        names = ", ".join(self.models)
        if name is None:
            raise HttpError(422, f"Several models are served; name one in the path or as model: {names}.")
        if name not in self.models:
            near = "".join(f" Did you mean {found!r}?" for found in nearest(name, self.models, 1))
            raise HttpError(404, f"There is no model named {shown(name)};{near or f' there are {names}.'}")
        return self.models[name]

    async def _predictions(self, request: Request, served: Served, asked: Asked) -> list[Prediction]:
        """One prediction per input; inputs that wait are given up when their client is gone.

        Raises:
            HttpError: an input is refused, the queue is full, or the answer takes too long.
        """
        self.limits.check(asked.inputs)
        answers = self._batchers[served.name].submit(asked.inputs, asked.options.over(served.options))
        gathered = asyncio.gather(*answers, return_exceptions=True)
        gone = asyncio.create_task(_until_gone(request))
        either: set[asyncio.Future[Any]] = {gathered, gone}
        await asyncio.wait(either, timeout=self.limits.timeout, return_when=asyncio.FIRST_COMPLETED)
        left = gone.done()
        gone.cancel()
        if not gathered.done():
            for answer in answers:
                answer.cancel()
            if left:
                raise HttpError(499, "The client closed the connection before it was answered.")
            message = f"The answer took longer than {self.limits.timeout:g} seconds; send less at once, or try again."
            raise HttpError(503, message, retry_after=1)
        found = gathered.result()
        for number, prediction in enumerate(found, 1):
            if isinstance(prediction, BaseException):
                raise input_error(prediction, number, len(found)) from None
        return [prediction for prediction in found if not isinstance(prediction, BaseException)]

    async def _body(self, request: Request) -> bytes:
        """The body.

        Raises:
            HttpError: it is packed, too long, or does not arrive in time.
        """
        packed = request.headers.get("content-encoding", "identity")
        if packed.lower() != "identity":
            raise HttpError(415, f"The body is packed ({shown(packed)}); send it as it is.")
        most = self.limits.max_body
        too_long = HttpError(413, f"The body has more than {most} bytes; send less at once.")
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            raise too_long
        body = bytearray()
        try:
            async with asyncio.timeout(self.limits.timeout):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        raise too_long
        except TimeoutError:
            raise HttpError(408, f"The body did not arrive within {self.limits.timeout:g} seconds.") from None
        return bytes(body)


async def _until_gone(request: Request) -> None:
    """Wait until the client of a request, whose body was read, closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refused(_: Request, error: Exception) -> Response:
    """The response to what a handler raised."""
    if isinstance(error, HttpError):
        return error_response(error)
    if isinstance(error, HTTPException):
        return error_response(HttpError(error.status_code, _ROUTING.get(error.status_code, error.detail)))
    return error_response(HttpError(500, "The server failed on this request; its log says why."))


_ROUTING = {
    404: "There is no such path; /openapi.json lists them.",
    405: "This path does not take that method; /openapi.json lists them.",
}


def make_app(models: Sequence[Served], limits: Limits, api_key: str | None = None) -> Starlette:
    """The application.

    Args:
        models: at least one, each with a name of its own.
        limits: of requests and queues.
        api_key: what every request but those for health and page must bring.
    """
    service = Service({served.name: served for served in models}, limits)
    middleware = [Middleware(Counting, service.metrics), Middleware(OneLength)]
    if api_key is not None:
        middleware.append(Middleware(ApiKey, api_key))
    return Starlette(
        routes=service.routes(),
        middleware=middleware,
        lifespan=service.lifespan,
        exception_handlers={HttpError: _refused, HTTPException: _refused, Exception: _refused},
    )
