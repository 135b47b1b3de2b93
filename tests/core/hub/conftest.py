"""The stand-in of the hub, in place of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskzoo import hub_access

from .stand_in import TOKEN, Hub, running_hub


def use_hub(monkeypatch: pytest.MonkeyPatch, endpoint: str, cache: Path) -> None:
    """What ``HF_ENDPOINT``, ``HF_HUB_CACHE`` and ``HF_HUB_DISABLE_XET`` do in a new process."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(hub_access, "_answers", {})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with running_hub() as found:
        use_hub(monkeypatch, found.endpoint, tmp_path / "cache")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield found


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An address where nobody listens."""
    endpoint = "http://127.0.0.1:9"
    use_hub(monkeypatch, endpoint, tmp_path / "cache")
    return endpoint
