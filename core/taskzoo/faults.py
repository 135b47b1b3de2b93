"""What the machine did: a full disk, no permission, no memory. These are nobody's mistake and have no traceback."""

from __future__ import annotations

import errno
import re

_WHAT = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EFBIG: "a file is larger than it may be (`ulimit -f` says how large)",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "there is no permission",
    errno.EPERM: "there is no permission",
    errno.EIO: "the disk failed (input/output error)",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.ENOMEM: "the memory ran out",
    errno.EPIPE: "nothing reads the output any more",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENODEV: "the device is gone",
    errno.ESTALE: "the network file system is gone",
}
_NUMBER = re.compile(r"\(os error (\d+)\)")  # as safetensors and tokenizers report them
_MEMORY = re.compile(r"can't allocate memory|not enough memory|out of memory|alloc_failed", re.IGNORECASE)
_PEER = re.compile(
    r"(gloo|nccl|processgroup).*(connection (closed|reset)|timed? ?out|remote|unhandled)", re.IGNORECASE | re.DOTALL
)
PEER_GONE = "another process of it is gone"
MEMORY_ADVICE = "lower micro_batch_size, evaluation_tokens or max_length, or take a smaller model"


def machine_fault(error: BaseException | None) -> str | None:
    """What failed, in words, with the file where it is known; ``None`` for any other error."""
    while error is not None:
        if found := _fault(error):
            return found
        error = error.__cause__
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory of the machine or of its accelerator ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and _MEMORY.search(str(error)) is not None


def _fault(error: BaseException) -> str | None:
    if is_out_of_memory(error):
        return f"the memory ran out; {MEMORY_ADVICE}"
    if isinstance(error, RuntimeError) and _PEER.search(str(error)):
        return PEER_GONE
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (named := _NUMBER.search(str(error))):
        number = int(named[1])
    if number in _WHAT:
        file = error.filename if isinstance(error, OSError) else None
        return f"{_WHAT[number]} ({file})" if isinstance(file, str) else _WHAT[number]
    return None
