"""A small stand-in of the hub: what `huggingface_hub` asks for to create, fill, list and download a repository."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_stand_in"
REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"


@dataclass
class Repository:
    private: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)

    @property
    def sha(self) -> str:
        return hashlib.sha1(json.dumps(self.commits).encode()).hexdigest()


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    endpoint: str = ""


class RefusedError(Exception):
    def __init__(self, code: int, error: str, kind: str = "") -> None:
        self.code, self.error, self.kind = code, error, kind


@contextmanager
def running_hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            try:
                code, headers, content = route(hub, self.command, path, body, self.headers.get("Authorization"))
            except RefusedError as error:
                headers = {"X-Error-Code": error.kind, "X-Error-Message": error.error}
                code, content = error.code, json.dumps({"error": error.error}).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Answer = tuple[int, dict[str, str], bytes]


def route(hub: Hub, method: str, path: str, body: bytes, authorization: str | None) -> Answer:
    allowed = authorization == f"Bearer {TOKEN}"
    for verb, pattern, serve in ROUTES:
        match = re.fullmatch(pattern, path)
        if match is None or method not in verb.split():
            continue
        if method == "POST" and not allowed:
            raise RefusedError(401, "Invalid username or password.")
        names = match.groupdict()
        if "repo" in names:
            found = hub.repositories.get(names["repo"])
            if found is None or (found.private and not allowed):
                raise RefusedError(404 if allowed else 401, "Repository not found", "RepoNotFound")
        return serve(hub, names, body)
    raise RefusedError(404, f"no such address: {method} {path}")


def as_json(value: Any) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def create(hub: Hub, _: dict[str, str], body: bytes) -> Answer:
    asked = json.loads(body)
    name = f"{asked['organization']}/{asked['name']}"
    if not asked["organization"].startswith("ada"):
        raise RefusedError(403, "You don't have the rights to create a model under this namespace")
    hub.repositories[name] = Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
    hub.repositories[name].files[".gitattributes"] = b"*.safetensors filter=lfs\n"
    return as_json({"url": f"{hub.endpoint}/{name}", "name": name, "id": "1"})


def describe(hub: Hub, names: dict[str, str], _: bytes) -> Answer:
    found = hub.repositories[names["repo"]]
    if names.get("revision") not in (None, "main", found.sha):
        raise RefusedError(404, "Invalid rev id", "RevisionNotFound")
    siblings = [{"rfilename": name} for name in found.files]
    return as_json({"id": names["repo"], "sha": found.sha, "private": found.private, "tags": [], "siblings": siblings})


def tree(hub: Hub, names: dict[str, str], _: bytes) -> Answer:
    files = hub.repositories[names["repo"]].files.items()
    return as_json([{"type": "file", "path": n, "size": len(c), "oid": git_hash(c)} for n, c in files])


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def preupload(hub: Hub, names: dict[str, str], body: bytes) -> Answer:
    files = json.loads(body)["files"]
    modes = [(file["path"], "lfs" if file["path"].endswith(".safetensors") else "regular") for file in files]
    return as_json({"files": [{"path": p, "uploadMode": m, "shouldIgnore": False} for p, m in modes]})


def large_files(hub: Hub, names: dict[str, str], body: bytes) -> Answer:
    objects = json.loads(body)["objects"]
    upload = [{**o, "actions": {"upload": {"href": f"{hub.endpoint}/large/{o['oid']}"}}} for o in objects]
    return as_json({"transfer": "basic", "objects": upload})


def store(hub: Hub, names: dict[str, str], body: bytes) -> Answer:
    assert hashlib.sha256(body).hexdigest() == names["oid"]
    hub.large[names["oid"]] = body
    return 200, {}, b""


def commit(hub: Hub, names: dict[str, str], body: bytes) -> Answer:
    found = hub.repositories[names["repo"]]
    for line in body.splitlines():
        item = json.loads(line)
        value = item["value"]
        if item["key"] == "file":
            found.files[value["path"]] = base64.b64decode(value["content"])
        elif item["key"] == "lfsFile":
            found.files[value["path"]] = hub.large[value["oid"]]
        elif item["key"] == "deletedFile":
            del found.files[value["path"]]
        else:
            found.commits.append(value["summary"])
    url = f"{hub.endpoint}/{names['repo']}/commit/{found.sha}"
    return as_json({"success": True, "commitOid": found.sha, "commitUrl": url, "hookOutput": ""})


def resolve(hub: Hub, names: dict[str, str], _: bytes) -> Answer:
    found = hub.repositories[names["repo"]]
    if names["revision"] not in ("main", found.sha):
        raise RefusedError(404, "Invalid rev id", "RevisionNotFound")
    if names["file"] not in found.files:
        raise RefusedError(404, "Entry not found", "EntryNotFound")
    content = found.files[names["file"]]
    return 200, {"ETag": f'"{git_hash(content)}"', "X-Repo-Commit": found.sha}, content


ROUTES: list[tuple[str, str, Callable[[Hub, dict[str, str], bytes], Answer]]] = [
    ("HEAD GET", "/?", lambda *_: (200, {}, b"")),
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", lambda *_: as_json({"errors": [], "warnings": []})),
    ("GET", f"/api/models/{REPO}(/revision/(?P<revision>.+))?", describe),
    ("GET", f"/api/models/{REPO}/tree/[^/]+", tree),
    ("POST", f"/api/models/{REPO}/preupload/main", preupload),
    ("POST", r"/(?P<repo>[\w.-]+/[\w.-]+?)\.git/info/lfs/objects/batch", large_files),
    ("PUT", r"/large/(?P<oid>\w+)", store),
    ("POST", f"/api/models/{REPO}/commit/main", commit),
    ("HEAD GET", f"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", resolve),
]
