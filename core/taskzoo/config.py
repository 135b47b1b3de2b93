"""What one run is asked to do: plain dataclasses, read from YAML, ``name=value`` words and Python arguments.

``config.yaml`` in a run directory is a :class:`RunConfig` with every value resolved, so that
``zoo run --config RUN/config.yaml`` repeats the run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .durable import write_text
from .errors import DataError, RequestError, UnknownNameError
from .spec import TaskSpec, check_value

SCHEDULE_FREE = "schedule-free-adamw"
OPTIMIZERS = ("adamw", "adam", "sgd", "momentum", "adafactor", "muon", SCHEDULE_FREE)
SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def _setting(default: Any, help: str, **limits: Any) -> Any:
    """A field with its help and limits: ``choices``, ``minimum``, ``maximum``, or what it must be ``below``."""
    return field(default=default, metadata={"help": help, "choices": (), "minimum": None, **limits})


@dataclass(frozen=True)
class Training:
    """Settings of the engine, the same for every task. Each can be set by ``--set name=value``."""

    epochs: float = _setting(3.0, "passes over the training split", minimum=0)
    max_steps: int = _setting(0, "stop after this many optimizer steps (0: by epochs)", minimum=0)
    min_steps: int = _setting(
        0, "take at least this many optimizer steps, by more epochs than asked for where rows are few", minimum=0
    )
    batch_size: int = _setting(32, "examples per optimizer step, over all processes", minimum=1)
    batch_tokens: int = _setting(
        0, "padded tokens per optimizer step instead of a number of examples (0: batch_size examples)", minimum=0
    )
    micro_batch_size: int = _setting(0, "examples per forward pass on one device (0: the whole share)", minimum=0)
    learning_rate: float = _setting(5e-5, "peak learning rate", minimum=0)
    optimizer: str = _setting("adamw", "the optimizer", choices=OPTIMIZERS)
    weight_decay: float = _setting(0.01, "weight decay, never applied to biases and norms", minimum=0)
    momentum: float = _setting(0.9, "momentum of the 'momentum' optimizer", minimum=0)
    adam_beta1: float = _setting(0.9, "decay of Adam's first moment", minimum=0, below=1)
    adam_beta2: float = _setting(0.999, "decay of Adam's second moment", minimum=0, below=1)
    adam_epsilon: float = _setting(1e-8, "Adam's epsilon", minimum=0)
    layer_decay: float = _setting(
        1.0,
        "learning rate of a layer, as a share of that of the layer after it (1: all the same)",
        minimum=1e-3,
        maximum=1,
    )
    gradual_unfreezing: float = _setting(
        0.0,
        "share of the steps within which layers begin to train, the last first (0: all at once)",
        minimum=0,
        maximum=1,
    )
    ema_decay: float = _setting(
        0.0,
        "evaluate and save an exponential moving average of the weights with this decay (0: off)",
        minimum=0,
        below=1,
    )
    rdrop_alpha: float = _setting(
        0.0, "R-Drop: weight of the divergence between two passes with different dropout (0: off)", minimum=0
    )
    adversarial_epsilon: float = _setting(
        0.0, "FGM: norm of the adversarial perturbation of a text's embeddings (0: off)", minimum=0
    )
    neftune_alpha: float = _setting(0.0, "NEFTune: scale of the noise that is added to embeddings (0: off)", minimum=0)
    teacher: str = _setting(
        "", "distillation: directory of the finished run whose predictions are learnt (empty: none)"
    )
    distill_temperature: float = _setting(2.0, "distillation: temperature of both models' probabilities", minimum=0.1)
    distill_share: float = _setting(0.5, "distillation: share of the teacher in the loss", minimum=0, maximum=1)
    schedule: str = _setting("linear", "learning rate schedule after warm-up", choices=SCHEDULES)
    warmup: float = _setting(0.1, "share of the steps that warm up (below 1), or their number (1 or more)", minimum=0)
    max_grad_norm: float = _setting(1.0, "clip the gradient's 2-norm to this (0: no clipping)", minimum=0)
    label_smoothing: float = _setting(
        0.0, "probability mass moved from the true label to all labels", minimum=0, below=1
    )
    time_limit: float = _setting(0.0, "minutes that the whole run may take, by fewer steps (0: no limit)", minimum=0)
    precision: str = _setting("auto", "numeric precision of the forward pass", choices=PRECISIONS)
    method: str = _setting(
        "auto", "training method: auto, full, lora, linear-probe, contrastive, none or one of a plugin"
    )
    auto_trains: str | None = _setting(
        None,
        "what method=auto trains after the probe: full, lora (null: full, or lora where memory is short)",
        choices=(None, "full", "lora"),
    )
    lora_rank: int = _setting(16, "rank of the adapters", minimum=1)
    lora_alpha: float = _setting(32.0, "scale of the adapters (divided by the rank, rsLoRA: by its root)", minimum=0)
    lora_dropout: float = _setting(0.05, "dropout before the adapters", minimum=0, below=1)
    lora_targets: str = _setting("all-linear", "'attention', 'all-linear', or names of modules joined by '+'")
    lora_dora: bool = _setting(False, "DoRA: weight-decomposed adapters")
    lora_rslora: bool = _setting(False, "rsLoRA: rank-stabilised scaling")
    lora_quantize: str = _setting(
        "",
        "QLoRA: the frozen weights in 4 bits, 'nf4' or 'fp4' (needs bitsandbytes; empty: as they are)",
        choices=("", "nf4", "fp4"),
    )
    probe_first: bool | None = _setting(
        None,
        "start training from the head of a linear probe (null: auto and lora where it can, full where the task asks)",
        choices=(None, True, False),
    )
    contrastive_pairs: int = _setting(10, "pairs per row for method=contrastive", minimum=1)
    contrastive_temperature: float = _setting(0.1, "temperature of the contrastive loss", minimum=1e-3)
    pretrained_share: float = _setting(
        0.0, "contrastive: average the trained weights with this share of the pretrained ones", minimum=0, maximum=1
    )
    length_pool: int = _setting(100, "batches whose examples are sorted by length together (1: no sorting)", minimum=1)
    freeze: str = _setting("", "'embeddings', 'backbone', or a number N: embeddings and the first N layers")
    compact_embeddings: bool = _setting(True, "train only the rows of the embedding table that the data use")
    gradient_checkpointing: bool = _setting(False, "recompute activations to save memory")
    fsdp: bool = _setting(False, "divide weights, gradients and optimizer state over the processes (FSDP2)")
    compile: bool = _setting(False, "train with layers compiled by torch.compile, for GPUs")
    cuda_graphs: bool = _setting(False, "replay compiled layers as CUDA graphs (with compile=true, CUDA only)")
    unpadded: bool = _setting(False, "train with attention that leaves padding out, for GPUs")
    early_stopping: int = _setting(0, "stop after this many evaluations without a better score (0: never)", minimum=0)
    evaluate_every: int = _setting(0, "optimizer steps between evaluations (0: each epoch)", minimum=0)
    checkpoint_every: int = _setting(0, "optimizer steps between checkpoints (0: each evaluation)", minimum=0)
    checkpoint_minutes: float = _setting(
        10.0,
        "minutes between checkpoints at most, where saving takes under 2% of them (0: any)",
        minimum=0,
    )
    log_every: int = _setting(10, "optimizer steps between lines of history.jsonl", minimum=1)
    evaluation_tokens: int = _setting(0, "padded tokens per evaluation batch (0: what is fastest)", minimum=0)
    evaluate_modules: str = _setting("", "further metrics: `evaluate` modules by name or path, separated by commas")
    baseline: bool | None = _setting(
        None,
        "also score a simple baseline, such as TF-IDF, on the same rows (null: where there is one, in seconds)",
        choices=(None, True, False),
    )
    on_disk: bool | None = _setting(
        None,
        "keep rows and features on disk, not in memory, and use them again (null: for files of 32 MiB or more)",
        choices=(None, True, False),
    )
    streaming: bool = _setting(
        False,
        "read a hub: data set as a stream, and no more of its rows than max_steps steps see, and keep these on disk",
    )
    keep_checkpoints: bool = _setting(False, "keep the checkpoint for resuming after the run has finished")
    seed: int = _setting(42, "seed of initialisation, shuffling, dropout and splits", minimum=0, below=2**63)
    mix_old: float | None = _setting(
        None,
        "where a run continues from another: its training rows to mix in, a share (below 1) or a number (null: none)",
        minimum=0,
    )
    scratch_tokenizer: str = _setting("unigram", "tokenizer of a scratch: model", choices=("unigram", "bpe"))
    scratch_vocabulary: int = _setting(8000, "maximum vocabulary size of a scratch: model", minimum=300)
    scratch_separate: bool = _setting(False, "separate vocabularies for inputs and targets of a scratch:marian model")


TRAINING_FIELDS: dict[str, dataclasses.Field[Any]] = {f.name: f for f in dataclasses.fields(Training)}


@dataclass(frozen=True)
class DataConfig:
    """Where the rows come from. Exactly one of ``name`` (demo set, data set, directory) and ``train`` is given.

    ``group_by`` names a column whose rows stay together when splits are made (``COLUMN`` or ``COLUMN:SEPARATOR``, the
    part before the separator); ``shots`` keeps that many training rows per class (0: all); ``holdout`` says how many
    rows are split off for validation and test (see :mod:`taskzoo.data.holdout`; empty: a tenth each); ``unlabelled`` is
    a file of texts without labels for semi-supervised training, or ``rest``, the training rows left out by ``shots``.
    A split may have several files, each of which may be a pattern (``part-*.csv``); ``test_columns`` are those of the
    test file where it has others; ``skip_bad_rows`` leaves out rows that cannot be used. ``split_seed`` draws rows
    where the seed of the training shall not (null: it does); ``fold``, such as ``2/5``, is the part of the training
    rows that is tested.
    """

    name: str | None = None
    train: str | list[str] | None = None
    validation: str | list[str] | None = None
    test: str | list[str] | None = None
    columns: dict[str, str] = field(default_factory=dict)
    format: str | None = None
    group_by: str | None = None
    shots: int = 0
    holdout: str = ""
    unlabelled: str | None = None
    test_columns: dict[str, str] = field(default_factory=dict)
    skip_bad_rows: bool = False
    split_seed: int | None = None
    fold: str = ""

    @property
    def files(self) -> dict[str, list[str]]:
        """Split -> its files and patterns, or the word ``none``, for the splits that were named."""
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        return {split: [paths] if isinstance(paths, str) else paths for split, paths in given.items() if paths}


@dataclass(frozen=True)
class RunConfig:
    """One run, fully resolved. ``task`` is a full name (``"taskzoo/ner"``) or ``path/to/task.py:Class``.

    ``from_run`` is the directory of the run that this one continues.
    """

    task: str
    model: str
    data: DataConfig
    options: dict[str, Any]
    training: Training
    track: list[str] = field(default_factory=list)
    from_run: str | None = None

    @property
    def rows_seed(self) -> int:
        """The seed by which rows are drawn; runs of ``--seeds`` train with other seeds on the same rows."""
        return self.training.seed if self.data.split_seed is None else self.data.split_seed

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values, as written to ``config.yaml``."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunConfig:
        """The inverse of :meth:`to_dict`.

        Raises:
            UnknownNameError, RequestError: as :func:`make_training`.
        """
        sections = {"data": DataConfig(**values["data"]), "training": make_training(values["training"])}
        return cls(**{**values, **sections})


def parse_assignments(words: Sequence[str]) -> dict[str, str]:
    """``["learning_rate=3e-4", "prefix=say: "]`` to a mapping; values stay text, which each setting reads as its type.

    Raises:
        RequestError: a word without ``=``.
    """
    values: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise RequestError(f"--set {word!r} is not of the form name=value.")
        values[name.strip().replace("-", "_")] = value
    return values


def parse_columns(text: str) -> dict[str, str]:
    """``"label=0,text=2"`` to ``{"label": "0", "text": "2"}``.

    Raises:
        RequestError: a part without ``=``.
    """
    columns: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        role, separator, name = part.partition("=")
        if not separator or not role or not name:
            raise RequestError(f"--columns {part!r} is not of the form role=column.")
        columns[role.strip()] = name.strip()
    return columns


def parse_minutes(text: str) -> float:
    """``10m``, ``90s``, ``1.5h`` or a plain number of minutes, as minutes.

    Raises:
        RequestError: it is none of these, or nothing above zero.
    """
    units = {"s": 1 / 60, "m": 1.0, "h": 60.0}
    unit = text.strip()[-1:].lower()
    try:
        minutes = float(text.strip()[:-1]) * units[unit] if unit in units else float(text)
    except ValueError:
        minutes = 0.0
    if 0 < minutes < float("inf"):
        return minutes
    raise RequestError(f"--time {text!r} is not a time; write it like 10m, 90s or 1.5h.")


def split_settings(values: Mapping[str, Any], spec: TaskSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sort ``values`` into engine settings, which are checked, and options of the task.

    Raises:
        UnknownNameError: a name that is neither, with the nearest of both kinds.
        RequestError: a setting's value that cannot be used.
    """
    known = [*TRAINING_FIELDS, *spec.options]
    for name in values:
        if name not in known:
            raise UnknownNameError("setting", name, known, f"`zoo info {spec.id}` lists all settings of this task.")
    training = {name: _checked(name, value) for name, value in values.items() if name in TRAINING_FIELDS}
    return training, {name: value for name, value in values.items() if name not in training}


def make_training(values: Mapping[str, Any]) -> Training:
    """A checked :class:`Training`; every value has the type of its default and lies within its limits.

    Raises:
        UnknownNameError: a setting that does not exist.
        RequestError: a value that cannot be used.
    """
    training = Training(**{name: _checked(name, value) for name, value in values.items()})
    if not training.epochs and not training.max_steps:
        raise RequestError("epochs=0 and max_steps=0 leave nothing to train.")
    return training


def _checked(name: str, value: Any) -> Any:
    if name not in TRAINING_FIELDS:
        raise UnknownNameError("training setting", name, TRAINING_FIELDS)
    default, limits = TRAINING_FIELDS[name].default, TRAINING_FIELDS[name].metadata
    value = check_value(name, value, default, limits["choices"], limits["minimum"])
    if "maximum" in limits and value > limits["maximum"]:
        raise RequestError(f"{name}={value} must be at most {limits['maximum']}.")
    if "below" in limits and value >= limits["below"]:
        raise RequestError(f"{name}={value} must be below {limits['below']}.")
    return value


_DATA_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("train", "validation", "test"), (str, list)),
    **dict.fromkeys(("columns", "test_columns"), (dict,)),
    "shots": (int,),
    "holdout": (str, int, float),
    "skip_bad_rows": (bool,),
    "split_seed": (int,),
}
"""What a configuration file may say of data, where it is not text."""
_TYPE_NAMES = {str: "text", int: "a whole number", bool: "true or false", dict: "a mapping such as `tokens: 0`"}


def read_config(path: str | Path) -> dict[str, Any]:
    """A YAML file with the keys of :class:`RunConfig` (all but ``task`` may be missing), checked for unknown keys.

    Raises:
        DataError: the file is missing or is not YAML.
        UnknownNameError: a key that does not exist, with the nearest.
    """
    import yaml

    file = Path(path)
    if not file.is_file():
        raise DataError("there is no such configuration file.", file=str(path))
    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise DataError("this is not UTF-8 text; save it as UTF-8.", file=str(path)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", "malformed")
        raise DataError(f"this is not YAML ({reason}).", file=str(path), line=mark.line + 1 if mark else 0) from None
    if not isinstance(loaded, dict):
        raise DataError("a configuration is a mapping such as `task: ner`.", file=str(path))
    _check_keys(loaded, [f.name for f in dataclasses.fields(RunConfig)], "key", path)
    for section, cls in (("data", DataConfig), ("training", Training), ("options", None)):
        content = loaded.get(section) or {}
        if not isinstance(content, dict):
            raise DataError(f"`{section}` must be a mapping.", file=str(path))
        if cls is not None:
            _check_keys(content, [f.name for f in dataclasses.fields(cls)], f"key of {section}", path)
        if unnamed := [key for key in content if not isinstance(key, str)]:
            raise DataError(f"`{section}` has the key {unnamed[0]!r}, and keys are names.", file=str(path))
    names = ("task", "model", "from_run")
    values: dict[str, tuple[Any, tuple[type, ...]]] = {name: (loaded.get(name), (str,)) for name in names}
    for name, value in (loaded.get("data") or {}).items():
        values[f"data: {name}"] = value, _DATA_TYPES.get(name, (str,))
    for name, (value, types) in values.items():
        if value is not None and type(value) not in types:
            raise DataError(f"`{name}` must be {_TYPE_NAMES[types[0]]}, not {value!r}.", file=str(path))
        if isinstance(value, list) and (wrong := [item for item in value if not isinstance(item, str)]):
            raise DataError(f"`{name}` must be a list of texts, and has {wrong[0]!r}.", file=str(path))
    track = loaded.get("track") or []
    if not isinstance(track, list) or not all(isinstance(name, str) for name in track):
        raise DataError("`track` must be a list of names.", file=str(path))
    return loaded


def _check_keys(values: Mapping[str, Any], known: Sequence[str], kind: str, path: str | Path) -> None:
    for name in values:
        if name not in known:
            raise UnknownNameError(f"{kind} in {path}", str(name), known)


def write_config(config: RunConfig, path: Path) -> None:
    """Write ``config`` as YAML that :func:`read_config` reads back to the same values."""
    import yaml

    write_text(path, yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True))
