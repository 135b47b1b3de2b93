"""A run is used with the weights that it saved, and with no others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from taskzoo.errors import RequestError
from taskzoo.models.digests import weight_digests

from .directory import RunDirectory


@contextmanager
def unchanged_weights(folder: Path) -> Iterator[None]:
    """Load the weights in ``folder`` within this context; meanwhile a thread compares them with the run's manifest.

    A model outside a run's directory, and a run whose manifest has no ``weights``, are not compared.

    Raises:
        RequestError: at the end, if they are not those that the run saved.
    """
    folder = folder.absolute()
    run = RunDirectory(folder.parent)
    saved = run.read_manifest().get("weights") if folder == run.model and run.manifest.is_file() else None
    if not saved:
        yield
        return
    with ThreadPoolExecutor(max_workers=1) as pool:
        digests = pool.submit(weight_digests, folder)
        yield
        found = digests.result()
    if changed := sorted(name for name in {*saved, *found} if saved.get(name) != found.get(name)):
        raise RequestError(
            f"The weights are not those that the run saved: {changed[0]!r} in {str(folder)!r} was changed, removed or "
            "added since; copy the run again, or copy the folder elsewhere to use these weights all the same."
        )
