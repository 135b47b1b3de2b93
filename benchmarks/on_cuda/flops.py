"""How many floating-point operations a model needs, and how many a device can do.

Operations of one row's forward pass, with ``s`` source and ``t`` target tokens, ``P`` weights in the matrices of the
layers, ``L`` layers of width ``H`` and ``V`` outputs (a multiplication with an addition counts as two):

* encoder: ``2 P s + 4 L H s²``
* decoder, with ``n = s + t``: ``2 P n + 2 L H n² + 2 V H t`` (attention is causal; outputs are needed for targets)
* encoder-decoder: ``2 P_e s + 4 L_e H s² + 2 P_d t + L_d H (2 t² + 4 s t) + 2 V H t``

Training takes three times as many, with adapters over frozen weights twice as many (no gradient of the weights).
Padding is not counted, nor embeddings, norms and the optimizer. MFU is this, per second, over the device's peak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PEAKS: dict[str, tuple[float, float]] = {
    "B200": (2250.0, 80.0),
    "H200": (989.4, 67.0),
    "H100 PCIe": (756.0, 51.0),
    "H100 NVL": (835.0, 60.0),
    "H100": (989.4, 67.0),
    "A100": (312.0, 19.5),
    "L40S": (362.0, 91.6),
    "L4": (121.0, 30.3),
    "A10G": (70.0, 31.2),
    "RTX 4090": (165.2, 82.6),
    "RTX 3090": (71.0, 35.6),
    "V100": (125.0, 15.7),
    "T4": (65.0, 8.1),
}
"""Part of a device's name -> its peak in 10^12 operations a second by the vendor's data sheet: dense matrices in 16
bits, and float32 without TF32. The first that fits is taken."""


def peak(device: str, precision: str) -> float | None:
    """Operations a second that ``device`` can do at most; ``None``: it is not in the table."""
    for name, (half, single) in PEAKS.items():
        if name in device:
            return 1e12 * (single if precision == "fp32" else half)
    return None


@dataclass(frozen=True)
class Work:
    """What a row costs.

    Args:
        kind: ``encoder``, ``decoder`` or ``encoder-decoder``.
        source: weights, layers and width of what reads sources; of a decoder, of all.
        target: weights and layers of the decoder of an encoder-decoder.
        outputs: weights of the output layer, 0 where it is no matter.
    """

    kind: str
    source: tuple[int, int, int]
    target: tuple[int, int] = (0, 0)
    outputs: int = 0

    def training(self, rows: Sequence[tuple[int, int]], *, adapters: bool) -> float:
        """Operations of one pass over rows with these numbers of source and target tokens."""
        return (2 if adapters else 3) * sum(self._forward(s, t) for s, t in rows)

    def _forward(self, s: int, t: int) -> float:
        weights, layers, width = self.source
        if self.kind == "encoder":
            return 2 * weights * s + 4 * layers * width * s * s
        if self.kind == "decoder":
            n = s + t
            return 2 * weights * n + 2 * layers * width * n * n + 2 * self.outputs * t
        decoder, depth = self.target
        encoding = 2 * weights * s + 4 * layers * width * s * s
        return encoding + 2 * decoder * t + depth * width * (2 * t * t + 4 * s * t) + 2 * self.outputs * t


def work_of(model: Any, kind: str) -> Work:
    """The work of a plain ``transformers`` model without adapters."""
    from taskzoo.engine.freezing import layer_stacks

    def weights(layers: Any) -> int:
        return sum(p.numel() for p in layers.parameters() if p.dim() == 2)

    stacks = list(layer_stacks(model))
    width = next(int(p.shape[-1]) for p in stacks[0].parameters() if p.dim() == 1)
    output = model.get_output_embeddings()
    outputs = 0 if output is None or kind == "encoder" else int(output.weight.numel())
    first = (weights(stacks[0]), len(stacks[0]), width)
    return Work(kind, first, (weights(stacks[1]), len(stacks[1])) if kind == "encoder-decoder" else (0, 0), outputs)
