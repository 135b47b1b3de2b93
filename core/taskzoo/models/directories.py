"""What a local directory holds, if it is not a checkpoint that can be loaded."""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""Files with weights that ``from_pretrained`` takes, in the order in which it looks for them."""

_VOCABULARIES = {"tokenizer.json", "vocab.txt", "vocab.json", "bpe.codes", "vocab.bpe", "dict.txt"}
_VOCABULARY_SUFFIXES = (".model", ".spm", ".vocab", ".tiktoken")

_OTHER_FORMATS = {
    "*.gguf": "GGUF",
    "*.onnx": "ONNX",
    "*.h5": "TensorFlow",
    "*.ckpt*": "TensorFlow",
    "saved_model.pb": "TensorFlow",
    "*.msgpack": "Flax",
    "*.ot": "Rust",
    "*.mlmodel": "Core ML",
    "zero_to_fp32.py": "DeepSpeed",
    "*.distcp": "FSDP",
    "*.nemo": "NeMo",
    "*.pth": "plain PyTorch",
    "*.pt": "plain PyTorch",
    "*.bin": "plain PyTorch",
    "*.safetensors": "plain safetensors",
}
"""Pattern of a file -> what saved it; earlier ones say more."""

_SHARD = re.compile(r"-\d{5}-of-\d{5}\.(safetensors|bin)$")
_SETTINGS_SUFFIXES = (".json", ".txt", ".jinja", ".codes", ".bpe", ".py")

_POINTER = b"version https://git-lfs.github.com/spec"


def model_folder(folder: Path) -> Path:
    """The checkpoint that ``folder`` stands for: of a run, or of its adapter, the run's merged model; else itself."""
    run = folder.absolute().parent if (folder / "adapter_config.json").is_file() else folder
    model = run / "model"
    return model if (run / "manifest.json").is_file() and (model / "config.json").is_file() else folder


def check_directory(folder: Path) -> None:
    """Refuse a directory that ``from_pretrained`` cannot load, and say what it is.

    Raises:
        RequestError: it holds an adapter, a whole run, pointers instead of files, weights of another library, or none.
    """
    names = {file.name for file in folder.iterdir()}
    if pointers := sorted(name for name in _needed(folder, names) if _is_pointer(folder / name)):
        raise RequestError(
            f"{str(folder / pointers[0])!r} is a git-lfs pointer, not the file itself; run `git lfs pull` in that "
            "directory."
        )
    if "adapter_config.json" in names:
        raise RequestError(_adapter(folder))
    if "config.json" not in names:
        raise RequestError(f"The directory {str(folder)!r} holds no model: it has no config.json. {_instead(folder)}")
    weights = next((name for name in WEIGHTS if name in names), None)
    if weights is None and (shards := sorted(name for name in names if _SHARD.search(name))):
        raise RequestError(
            f"The weights in {str(folder)!r} are in parts, such as {shards[0]!r}, and the index that says which part "
            f"holds which tensor is missing; copy or download {_SHARD.sub('', shards[0])}{Path(shards[0]).suffix}"
            ".index.json as well."
        )
    if weights is None:
        raise RequestError(f"The directory {str(folder)!r} holds no weights of a model. {_instead(folder)}")
    for name in _check_shards(folder, weights) if weights.endswith(".json") else [weights]:
        _check_content(folder / name)


def read_config(folder: Path) -> dict[str, Any]:
    """The content of ``config.json``.

    Raises:
        RequestError: it is not a JSON object, or does not name the model's family and class in words.
    """
    file = folder / "config.json"
    content = file.read_bytes()
    if content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RequestError(f"{file} is not plain UTF-8 (it begins with a byte order mark); save it as UTF-8 without.")
    try:
        config = json.loads(content.decode("utf-8"))
    except ValueError:
        raise RequestError(f"{file} is not JSON, so the model there cannot be loaded.") from None
    if not isinstance(config, dict):
        raise RequestError(f"{file} is not a JSON object, so the model there cannot be loaded.")
    family, classes = config.get("model_type") or "", config.get("architectures") or []
    if not isinstance(family, str) or not isinstance(classes, list) or not all(isinstance(c, str) for c in classes):
        raise RequestError(
            f'{file} names no model: model_type must be a name ("bert") and architectures a list of names, and they '
            f"are {json.dumps(family)[:40]} and {json.dumps(classes)[:80]}; correct them there."
        )
    return config


def vocabulary_files(folder: Path) -> list[Path]:
    """The files in ``folder`` that hold the vocabulary of a tokenizer."""
    files = sorted(folder.iterdir())
    return [
        file for file in files if file.is_file() and (file.name in _VOCABULARIES or file.suffix in _VOCABULARY_SUFFIXES)
    ]


def _needed(folder: Path, names: set[str]) -> set[str]:
    """The names of the files that are loaded: settings, vocabulary, and the first kind of weights that there is."""
    settings = {name for name in names if name.endswith((*_SETTINGS_SUFFIXES, *_VOCABULARY_SUFFIXES))}
    weights = next((name for name in WEIGHTS if name in names), None)
    if weights is None:
        return names
    settings -= set(WEIGHTS)
    shards = {name for name in names if _SHARD.search(name)} if weights.endswith(".json") else set()
    return settings | {weights} | {name for name in shards if name.startswith(weights.split(".")[0] + "-")}


def _check_content(file: Path) -> None:
    """Refuse a file of weights that is of another kind than its name says."""
    with file.open("rb") as content:
        begin = content.read(9)
    if begin.lstrip().startswith((b"<!", b"<htm", b"<HTM")):
        raise RequestError(f"{str(file)!r} is a web page, not weights; download the file itself.")
    if file.suffix == ".safetensors" and begin.startswith((b"PK\x03\x04", b"\x80\x02")):
        raise RequestError(f"{str(file)!r} was written by torch.save, not as safetensors; call it pytorch_model.bin.")
    if file.suffix == ".bin" and begin[8:] == b"{" and begin[4:8] == bytes(4):
        raise RequestError(f"{str(file)!r} holds safetensors, not what torch.save writes; call it model.safetensors.")


def _is_pointer(file: Path) -> bool:
    if not file.is_file() or file.stat().st_size > 1024:
        return False
    with file.open("rb") as content:
        return content.read(len(_POINTER)) == _POINTER


def _adapter(folder: Path) -> str:
    try:
        base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (ValueError, AttributeError):
        base = None
    of = f" of {base!r}" if base else ""
    merged = folder.parent / "model"
    if (merged / "config.json").is_file():
        return f"{str(folder)!r} is a peft adapter{of}; did you mean {str(merged)!r}, which has it merged?"
    return (
        f"{str(folder)!r} is a peft adapter{of}, not a whole model; merge it with peft's merge_and_unload(), save the "
        "result together with its tokenizer, and name that directory."
    )


def _instead(folder: Path) -> str:
    """What to do with a directory that is not a checkpoint."""
    inner = [file.parent for file in folder.glob("*/config.json")]
    if inner:
        best = max(inner, key=lambda found: (found.name == "model", _number(found.name), found.name))
        return f"Did you mean {str(best)!r}?"
    if (folder / "manifest.json").is_file():
        return f"It is a run that did not finish; `zoo resume {folder}` continues it."
    for pattern, source in _OTHER_FORMATS.items():
        if found := sorted(folder.glob(pattern)):
            return (
                f"{found[0].name} is in the format of {source}; load it there and save it with save_pretrained of "
                "transformers, which writes config.json and model.safetensors."
            )
    return "Name a directory that save_pretrained of transformers wrote."


def _number(name: str) -> int:
    """The step in a name such as ``checkpoint-500``."""
    found = re.search(r"\d+$", name)
    return int(found.group()) if found else -1


def _check_shards(folder: Path, index: str) -> list[str]:
    """The files that the index names."""
    try:
        shards = {str(name) for name in json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RequestError(f"{str(folder / index)!r} is damaged: it does not say which file holds which tensor.") from (
            None
        )
    if not shards:
        raise RequestError(f"{str(folder / index)!r} is damaged: its weight_map is empty.")
    if outside := sorted(name for name in shards if Path(name).is_absolute() or ".." in Path(name).parts):
        raise RequestError(f"{str(folder / index)!r} names a file outside its directory: {outside[0]!r}.")
    if missing := sorted(name for name in shards if not (folder / name).is_file()):
        raise RequestError(
            f"The weights in {str(folder)!r} are incomplete: {len(missing)} of {len(shards)} files are missing, such "
            f"as {missing[0]!r}; copy or download them again."
        )
    return sorted(shards)
