"""Attention without the kernel of cuDNN."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_LOCK = threading.Lock()
_WITHIN = 0
_CALLERS = True


@contextmanager
def without_cudnn_attention() -> Iterator[None]:
    """Within the context, torch does not take cuDNN's attention, which it prefers on Hopper and later.

    That kernel makes a plan for each new shape, and batches of texts, and each token of an output, have ever new ones.
    The setting is one for all threads of the process: it is the caller's again when the last has left the context.
    """
    global _WITHIN, _CALLERS
    with _LOCK:
        if not _WITHIN:
            _CALLERS = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
            torch.backends.cuda.enable_cudnn_sdp(False)
        _WITHIN += 1
    try:
        yield
    finally:
        with _LOCK:
            _WITHIN -= 1
            if not _WITHIN:
                torch.backends.cuda.enable_cudnn_sdp(_CALLERS)
