"""Samples of a row: from a WAV file, or as they were given."""

from __future__ import annotations

import hashlib
import math
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taskzoo import DataError, Row

FULL_SCALE = {1: 2**7, 2: 2**15, 3: 2**23, 4: 2**31}
"""Bytes of a sample -> its greatest value."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A part of a WAV file, or samples in memory.

    Args:
        name: the file; ``samples`` in memory.
        rate: samples per second.
        first, frames: where it starts, and how many samples it has.
        file: ``None`` for samples in memory.
        samples: those in memory, ``[frames]``, float32.
    """

    name: str
    rate: int
    first: int
    frames: int
    file: Path | None = None
    samples: np.ndarray | None = None

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def key(self) -> str:
        """Equal for equal sounds, as far as their names or samples say."""
        if self.file is not None:
            return f"{self.file} {self.first} {self.frames}"
        assert self.samples is not None
        return hashlib.sha1(self.samples.tobytes(), usedforsecurity=False).hexdigest()

    def read(self, rate: int) -> np.ndarray:
        """All samples at ``rate`` per second, one channel, float32 from -1 to 1."""
        samples = self._stored() if self.samples is None else self.samples
        if rate == self.rate:
            return samples
        from scipy.signal import resample_poly

        common = math.gcd(rate, self.rate)
        return np.asarray(resample_poly(samples, rate // common, self.rate // common), dtype=np.float32)

    def _stored(self) -> np.ndarray:
        with wave.open(str(self.file), "rb") as file:
            file.setpos(self.first)
            data, channels, width = file.readframes(self.frames), file.getnchannels(), file.getsampwidth()
        if width == 1:  # bytes have no sign
            values = np.frombuffer(data, np.uint8).astype(np.float32) - 128
        elif width == 3:
            three = np.frombuffer(data, np.uint8).reshape(-1, 3)
            low = three.astype(np.int32) @ np.array([1, 2**8, 2**16], dtype=np.int32)
            values = (low - ((low >> 23) << 24)).astype(np.float32)
        else:
            values = np.frombuffer(data, f"<i{width}").astype(np.float32)
        mono = values.reshape(-1, channels).mean(axis=1) / FULL_SCALE[width]
        return np.asarray(mono, dtype=np.float32)


def row_sound(row: Row) -> Sound:
    """The sound that a row names.

    Raises:
        DataError: the file is missing, is not a WAV file, is empty or ends too early; or samples are not numbers.
    """
    audio = row["audio"]
    if isinstance(audio, Mapping) and audio.get("array") is None and isinstance(audio.get("path"), str):
        audio = audio["path"]
    if isinstance(audio, str):
        return _part(row, *_header(row, audio))
    if isinstance(audio, Mapping):
        samples, rate = audio.get("array"), audio.get("sampling_rate")
    else:
        samples, rate = audio, None
    if not isinstance(rate, int) or rate < 1:
        raise _error(row, "the samples need a sampling_rate: give {'array': [...], 'sampling_rate': 16000}.")
    try:
        values = np.asarray(samples, dtype=np.float32)
    except (TypeError, ValueError):
        raise _error(row, "the samples are not numbers.") from None
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise _error(row, f"the samples must be a list of finite numbers; they have the shape {values.shape}.")
    return Sound("samples", rate, 0, len(values), samples=values)


def _header(row: Row, name: str) -> tuple[Path, int, int]:
    """A file, its rate and its number of samples."""
    file = Path(name)
    try:
        with wave.open(str(file), "rb") as found:
            rate, frames, stored = found.getframerate(), found.getnframes(), found.getnchannels() * found.getsampwidth()
            found.setpos(max(0, frames - 1))
            if len(found.readframes(1)) < stored and frames:
                found.rewind()
                held = len(found.readframes(frames)) // stored
                raise _error(row, f"{str(file)!r} says {frames} samples and holds {held}; copy it again.")
    except FileNotFoundError:
        raise _error(row, f"the audio file {str(file)!r} does not exist.") from None
    except (wave.Error, EOFError, OSError) as error:
        why = str(error) or "it ends within its header"
        raise _error(row, f"{str(file)!r} is not a WAV file of plain samples ({why}); convert it to PCM WAV.") from None
    if not frames or not rate:
        raise _error(row, f"the audio file {str(file)!r} holds no samples.")
    return file, rate, frames


def _part(row: Row, file: Path, rate: int, frames: int) -> Sound:
    """What ``start`` and ``duration`` leave of a file."""
    start, duration = (_seconds(row, role) for role in ("start", "duration"))
    first = round((start or 0.0) * rate)
    last = frames if duration is None else first + round(duration * rate)
    if not first < last <= frames:
        length = frames / rate
        wanted = f"{start or 0:g} to {last / rate:g} s"
        raise _error(row, f"the part from {wanted} is empty or outside of {str(file)!r}, which lasts {length:g} s.")
    return Sound(str(file), rate, first, last - first, file)


def _seconds(row: Row, role: str) -> float | None:
    value = row.get(role)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise _error(row, f"the {role} {value!r} is not a number of seconds.")
    return number


def _error(row: Row, message: str) -> DataError:
    return DataError(message, file=row.source, line=row.line)
