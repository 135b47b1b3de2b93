"""How this process was started: alone, by ``--processes``, or by another launcher such as torchrun.

All of them say it in the environment. Imports no torch.
"""

from __future__ import annotations

import os

from taskzoo.errors import RequestError

PLUGINS = {
    "ACCELERATE_USE_FSDP": "FSDP",
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "a parallelism configuration",
}
"""What ``accelerate launch`` may ask for, as its configuration says; it would take effect without a word."""
MPI = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_LOCAL_RANK"),
    ("PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID"),
)
"""Names under which implementations of MPI say what torchrun says as ``WORLD_SIZE``, ``RANK`` and ``LOCAL_RANK``."""


def rank() -> int:
    """The number of this process among those of the run; the one with 0 writes and speaks."""
    return int(os.environ.get("RANK", 0)) if "WORLD_SIZE" in os.environ else 0


def processes() -> int:
    """How many processes the run has."""
    return int(os.environ.get("WORLD_SIZE", 1))


def from_outside(asked: int | None = None) -> bool:
    """Whether there is nothing to start, since a launcher has started this process.

    Args:
        asked: the number of processes that a person asked for; ``None``: did not say.

    Raises:
        RequestError: another number than were started, or the launcher asks for what a run does not do, or has not
            started what it was asked for.
    """
    if "WORLD_SIZE" not in os.environ and not _started_by_mpi():
        if os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true" and "MASTER_PORT" in os.environ:
            raise RequestError(
                "accelerate launch --cpu starts several processes only through MPI (--mpirun_hostfile), so this would "
                "train in one; use zoo run --processes, or torchrun."
            )
        return False
    world = int(os.environ["WORLD_SIZE"])
    if asked is not None and asked != world:
        raise RequestError(
            f"--processes is {asked}, but the launcher of this process (such as torchrun) has started {world}; "
            "leave --processes out."
        )
    for variable, name in PLUGINS.items():
        if os.environ.get(variable, "").lower() == "true":
            raise RequestError(
                f"The configuration of accelerate asks for {name}, which runs do not use; launch without it "
                "(accelerate launch --multi_gpu). To divide the model over the processes, set fsdp=true."
            )
    return True


def _started_by_mpi() -> bool:
    """Whether MPI has started several processes; their numbers are then where torchrun puts them."""
    for size, number, local in MPI:
        if int(os.environ.get(size, 1)) > 1:
            if "MASTER_ADDR" not in os.environ:
                raise RequestError(
                    f"MPI has started {os.environ[size]} processes, but MASTER_ADDR does not say where the first one "
                    "is; set it (127.0.0.1 on one machine), or start them by torchrun."
                )
            names = {"WORLD_SIZE": size, "RANK": number, "LOCAL_RANK": local}
            os.environ.update({name: os.environ.get(theirs, "0") for name, theirs in names.items()})
            return True
    return False
