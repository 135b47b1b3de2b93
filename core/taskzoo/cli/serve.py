"""``zoo serve``: answer over HTTP with finished runs."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from .completions import run_paths
from .options import PRECISION_HELP, InferenceOptions, TrustRemoteCode


def serve(
    context: typer.Context,
    runs: Annotated[
        list[str], typer.Argument(help="Runs; NAME=RUN gives a model another name.", autocompletion=run_paths)
    ],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 is all of them.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="ZOO_API_KEY", help="Key that requests must bring as Authorization: Bearer KEY."),
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Give no label where the best one is less probable than this.")
    ] = None,
    coverage: Annotated[
        float | None, typer.Option(help="Add a set of labels that holds the right one this often, e.g. 0.9.")
    ] = None,
    max_body: Annotated[int, typer.Option(help="Maximum bytes of a request.")] = 1_000_000,
    max_chars: Annotated[int, typer.Option(help="Maximum characters of an input.")] = 20_000,
    max_inputs: Annotated[int, typer.Option(help="Maximum inputs of a request.")] = 256,
    max_queue: Annotated[int, typer.Option(help="Maximum waiting inputs of a model; more are refused.")] = 1024,
    batch_chars: Annotated[int, typer.Option(help="Maximum characters of a batch, with padding.")] = 4_000,
    batch_inputs: Annotated[int, typer.Option(help="Maximum inputs of a batch; 1 turns batching off.")] = 64,
    batch_wait: Annotated[float, typer.Option(help="Milliseconds an input waits for others if the model is free.")] = 2,
    timeout: Annotated[float, typer.Option(help="Seconds for a request to arrive, and again for its answer.")] = 30,
    write_docker: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write a Dockerfile, a compose file and the models there; do not serve."),
    ] = None,
    set_: InferenceOptions = None,
    precision: Annotated[str, typer.Option(help=PRECISION_HELP)] = "auto",
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Answer over HTTP with finished runs, in batches."""
    from importlib.util import find_spec

    from taskzoo.config import parse_assignments
    from taskzoo.errors import RequestError
    from taskzoo.hub.load import load

    from .output import remark
    from .process import set_up_process

    for package in ("starlette", "uvicorn", "prometheus_client"):
        if find_spec(package) is None:
            raise RequestError(f"zoo serve needs the package {package}; pip install 'taskzoo[serve]'.")
    from taskzoo.serve.app import make_app
    from taskzoo.serve.docker import write_docker_files
    from taskzoo.serve.limits import Limits
    from taskzoo.serve.options import PredictOptions
    from taskzoo.serve.served import make_served, named_runs
    from taskzoo.serve.server import listen, make_server

    asked = PredictOptions(min_confidence, coverage)
    if api_key is not None and not (api_key.isascii() and api_key.isprintable() and api_key.strip() == api_key != ""):
        raise RequestError("--api-key must be visible ASCII characters, without spaces around them.")
    limits = Limits(max_body, max_chars, max_inputs, max_queue, batch_chars, batch_inputs, batch_wait, timeout)
    named = named_runs(runs)
    if write_docker is not None:
        _refuse_options_of_serving(context)
        for line in write_docker_files(write_docker, named):
            remark(line)
        return
    options = parse_assignments(set_ or [])
    listening = listen(host, port)
    with listening:
        models = []
        for name, path in named.items():
            set_up_process(path)
            run = load(path, precision=precision, trust_remote_code=trust_remote_code, options=options)
            run.say = lambda note: None  # of the trial below
            models.append(make_served(name, run, run.spec, run.task.input_roles, asked))
            run.say = Once(remark)
            if min_confidence is not None and run.task.calibration_note:
                run.say(run.task.calibration_note)
        address, number = listening.getsockname()[:2]
        at = f"http://[{address}]:{number}" if ":" in address else f"http://{address}:{number}"
        names = ", ".join(f"{served.name} ({served.task})" for served in models)
        if not api_key and not (address.startswith("127.") or address == "::1"):
            remark(f"Anyone who reaches {address} can use the models; --api-key or ZOO_API_KEY asks for a key.")
        with _answer_then_stop():
            app = make_app(models, limits, api_key)
            make_server(app, timeout, lambda: remark(f"Serving {names} at {at}")).run(sockets=[listening])
    remark("Stopped.")


OF_CONTAINERS = {
    "--port": "publish port 8000 under another number (docker run -p 127.0.0.1:9000:8000, or ports: in compose.yaml)",
    "--host": "publish port 8000 at the address you want (docker run -p ADDRESS:8000:8000, or ports: in compose.yaml)",
    "--api-key": "set ZOO_API_KEY in the container, so that the key is in no file",
}
"""How to say to a container what is not an option of ``zoo serve`` there: its address, port and health are fixed."""


def _refuse_options_of_serving(context: typer.Context) -> None:
    """What was typed besides runs and ``--write-docker``, which takes nothing else, is not to be lost in silence."""
    from taskzoo.errors import RequestError

    names = [name for name in context.params if name not in ("runs", "write_docker")]
    typed = [name for name in names if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"]
    if typed:
        option = "--" + typed[0].strip("_").replace("_", "-")
        way = OF_CONTAINERS.get(option, f"give {option} to the container (docker run IMAGE {option} ...)")
        raise RequestError(
            f"{option} is for serving, and --write-docker writes files for an image instead; leave it out, and {way}."
        )


class Once:
    """Pass on a note when it comes for the first time, whatever numbers it has."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say, self._known = say, set[str]()

    def __call__(self, note: str) -> None:
        kind = re.sub(r"\d+", "", note)
        if kind not in self._known:
            self._known.add(kind)
            self._say(note)


@contextmanager
def _answer_then_stop() -> Iterator[None]:
    """The server stops by itself on SIGTERM and Ctrl-C, and then raises the signal again: here it does nothing more."""
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
