from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from taskzoo.option_names import on_command_line

settings.register_profile("without-deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("without-deadline")

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _typed() -> Iterator[None]:
    """Messages name options as they are typed."""
    with on_command_line():
        yield


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write text (as UTF-8, line ends untouched) or bytes to a file and give its path."""

    def do(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return do
