"""What is loaded from a checkpoint is what the checkpoint holds: everything of the backbone, or an error."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    BertForSequenceClassification,
    T5EncoderModel,
)

from taskzoo.errors import RequestError
from taskzoo.models.loading import explain_load_errors
from taskzoo.models.refs import ModelRef, resolve_model
from taskzoo.models.sequence import load_sequence_model
from taskzoo.models.tokenizers import load_tokenizer
from taskzoo.models.warm_start import warm_start
from taskzoo_ner.head import load_head

Rename = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


@pytest.fixture
def copy(tmp_path: Path, tiny_checkpoint: Any) -> Callable[..., Path]:
    """A function from a family, a change to its tensors and values of ``config.json`` to a copied checkpoint."""

    def make(family: str = "bert", change: Rename = dict, name: str = "copy", **config: Any) -> Path:
        folder = tmp_path / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tiny_checkpoint(family), folder)
        tensors = change(load_file(folder / "model.safetensors"))
        save_file({n: t.clone() for n, t in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
        values = json.loads((folder / "config.json").read_text()) | config
        (folder / "config.json").write_text(json.dumps(values))
        return folder

    return make


def load(folder: Path, cls: Any = AutoModelForTokenClassification, **keywords: Any) -> tuple[Any, list[str]]:
    with explain_load_errors(ModelRef("m", str(folder)), "model") as notes:
        model = cls.from_pretrained(folder, **keywords)
    return model, notes


def prefixed(prefix: str) -> Rename:
    return lambda tensors: {prefix + name: tensor for name, tensor in tensors.items()}


def without(pattern: str) -> Rename:
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if not re.search(pattern, name)}


def renamed(before: str, after: str) -> Rename:
    return lambda tensors: {re.sub(before, after, name): tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "module.model.", "backbone.", "encoder.", "0."])
@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_the_prefix_of_a_wrapper_is_removed(
    copy: Any, tiny_checkpoint: Any, tmp_path: Path, family: str, prefix: str
) -> None:
    model, notes = load(copy(family, prefixed(prefix)), num_labels=3)
    expected, _ = load(tiny_checkpoint(family), num_labels=3)
    inner = model.base_model_prefix
    for name, tensor in getattr(expected, inner).state_dict().items():
        assert torch.equal(tensor, getattr(model, inner).state_dict()[name]), name
    assert notes[0] == f"the prefix {prefix!r} of the names in the file was removed"
    model.save_pretrained(tmp_path / "saved")
    assert load_file(tmp_path / "saved" / "model.safetensors").keys() <= model.state_dict().keys()
    assert notes[1] == "new, with random initial values: classifier"


def test_the_prefix_of_a_model_that_generates_is_removed(copy: Any, tiny_checkpoint: Any) -> None:
    model, _ = load(copy("marian", prefixed("module.")), AutoModelForSeq2SeqLM)
    expected = load_file(tiny_checkpoint("marian") / "model.safetensors")
    assert all(torch.equal(expected[name], model.state_dict()[name]) for name in expected)


DAMAGED = {
    "a layer is missing": ("bert", without(r"layer\.1\."), {}, "lacks bert.encoder.layer.1.*more layers than"),
    "one tensor is missing": (
        "bert",
        without("query.bias"),
        {},
        r"lacks bert.encoder.layer.0.attention.self.query.bias",
    ),
    "config has more layers": ("bert", dict, {"num_hidden_layers": 4}, "config.json asks for more layers"),
    "config has fewer layers": (
        "bert",
        dict,
        {"num_hidden_layers": 1},
        "also holds bert.encoder.layer.1.*fewer layers",
    ),
    "another width": ("bert", dict, {"hidden_size": 64}, "32 in the file and 64 by config.json"),
    "more positions": ("bert", dict, {"max_position_embeddings": 640}, "512 x 32 in the file and 640 x 32"),
    "another vocabulary": ("bert", dict, {"vocab_size": 9}, "word_embeddings.weight has the shape"),
    "another family": ("bert", dict, {"model_type": "roberta"}, "holds bert.embeddings.*another architecture"),
    "a name of its own": ("bert", prefixed("mine."), {}, None),
    "another name for the family": ("bert", renamed("^bert", "xyz"), {}, r"\(cls, xyz\)"),
    "two encoders": ("bert", lambda t: prefixed("question.")(t) | prefixed("context.")(t), {}, "context.*instead"),
    "weights of adapters": (
        *("bert", lambda t: t | {"bert.encoder.layer.0.attention.self.query.lora_A.weight": torch.ones(2, 2)}, {}),
        "also holds bert.encoder.layer.0.attention.self.query.lora_A.weight",
    ),
    "an unmerged adapter": ("bert", renamed("query", "query.base_layer"), {}, "'base_layer' inside.*adapter of peft"),
    "a compiled layer": ("bert", renamed(r"layer\.0", "layer.0._orig_mod"), {}, "'_orig_mod' inside.*torch.compile"),
    "FSDP": ("bert", renamed(r"layer\.(.)", r"layer.\1._fsdp_wrapped_module"), {}, "'_fsdp_wrapped_module' inside"),
    "weight_norm": (
        "bert",
        renamed("query.weight", "query.weight_g"),
        {},
        "inside, which comes from weight_norm",
    ),
    "fewer layers of gpt2": ("gpt2", dict, {"n_layer": 1}, "also holds (transformer.)?h.1"),
    "NaN": ("bert", lambda t: {n: v * float("nan") for n, v in t.items()}, {}, "hold NaN or infinite values"),
    "zeros": ("bert", lambda t: {n: v * 0 for n, v in t.items()}, {}, r"and \d+ more layers\) holds zeros only"),
    "a layer of zeros": (
        *("bert", lambda t: {n: v * 0 if n.endswith("1.output.dense.weight") else v for n, v in t.items()}, {}),
        "layer.1.output.dense.weight holds zeros only",
    ),
    "zeros in gpt2": (
        *("gpt2", lambda t: {n: v * 0 if n.endswith("h.1.attn.c_attn.weight") else v for n, v in t.items()}, {}),
        "h.1.attn.c_attn.weight holds zeros only",
    ),
    "whole numbers": (
        *("bert", lambda t: {n: (v * 100).to(torch.int8) if v.dim() > 1 else v for n, v in t.items()}, {}),
        "stored as whole numbers, so the model is quantized",
    ),
    "bytes": (
        *("bert", lambda t: {n: (v + 9).to(torch.uint8) if v.dim() > 1 else v for n, v in t.items()}, {}),
        "stored as whole numbers",
    ),
    "truth values": (
        *("bert", lambda t: {n: v > 0 if n.endswith("query.weight") else v for n, v in t.items()}, {}),
        "query.weight is stored as truth values, so the model is quantized",
    ),
    "8-bit floats": (
        *("bert", lambda t: {n: v.to(torch.float8_e4m3fn) if v.dim() > 1 else v for n, v in t.items()}, {}),
        "stored as 8-bit floats, so the model is quantized",
    ),
    "a whole bias": (
        *("bert", lambda t: {n: v.long() if n.endswith("0.output.dense.bias") else v for n, v in t.items()}, {}),
        "output.dense.bias is stored as whole numbers",
    ),
    "one infinite value": (
        *("bert", lambda t: {n: v / 0 if n.endswith("0.output.dense.bias") else v for n, v in t.items()}, {}),
        "layer.0.*hold NaN or infinite",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_backbone_that_is_not_all_there_is_an_error(copy: Any, case: str) -> None:
    family, change, config, expected = DAMAGED[case]
    folder = copy(family, change, **config)
    if expected is None:  # a name before the architecture's own leaves no doubt
        assert load(folder)[1][0].startswith("the prefix 'mine.'")
        return
    with pytest.raises(RequestError, match=expected) as caught:
        load(folder)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without("decoder"), "without a decoder, and this task needs one"),
        (without("encoder"), "without an encoder, and this task needs one"),
        (without(r"decoder\.block\.0"), "more layers"),
        (without("EncDecAttention"), "or the file is incomplete"),
        (without(r"decoder\.block\.1"), "more layers"),
        (without("shared"), "lacks"),
    ],
)
def test_a_model_that_generates_needs_both_sides(copy: Any, change: Rename, expected: str) -> None:
    with pytest.raises(RequestError, match=expected):
        load(copy("t5", change), AutoModelForSeq2SeqLM)


def test_a_model_that_generates_needs_its_output_layer(copy: Any) -> None:
    folder = copy("qwen2", without("lm_head"), tie_word_embeddings=False)
    from transformers import AutoModelForCausalLM

    with pytest.raises(RequestError, match="without an output layer"):
        load(folder, AutoModelForCausalLM)


def test_an_encoder_of_t5_alone_classifies(tmp_path: Path, tiny_checkpoint: Any) -> None:
    T5EncoderModel.from_pretrained(tiny_checkpoint("t5")).save_pretrained(tmp_path)
    with explain_load_errors(ModelRef("m", str(tmp_path)), "model"):
        alone = load_sequence_model(str(tmp_path), problem_type="single_label_classification", labels=["a", "b"])
    whole = load_file(tiny_checkpoint("t5") / "model.safetensors")
    name = "block.1.layer.1.DenseReluDense.wo.weight"
    assert torch.equal(alone.backbone.state_dict()[name], whole[f"encoder.{name}"])
    assert alone(torch.tensor([[5, 6, 1]])).logits.shape == (1, 2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_changed_the_backbone_is_whole_or_refused(copy: Any, tiny_checkpoint: Any, data: Any) -> None:
    original = load_file(tiny_checkpoint() / "model.safetensors")
    chosen = data.draw(st.lists(st.sampled_from(sorted(original)), unique=True, max_size=3))
    fault = data.draw(st.sampled_from(["missing", "renamed", "transposed", "half"]))
    changed = dict(original)
    for name in chosen:
        tensor = changed.pop(name)
        if fault == "renamed":
            changed[f"{name}_old"] = tensor
        elif fault == "transposed":
            changed[name] = tensor.unsqueeze(0)
        elif fault == "half":
            changed[name] = tensor[: len(tensor) // 2]
    folder = copy(change=lambda _: changed)
    try:
        model, _ = load(folder, AutoModelForSequenceClassification)
    except RequestError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert any(name in refused for name in chosen), refused
        return
    assert not [name for name in chosen if name.startswith("bert.") and "pooler" not in name]
    for name, tensor in model.bert.state_dict().items():
        if "pooler" not in name:
            assert torch.equal(tensor, original[f"bert.{name}"]), name


def trained_head(tmp_path: Path, labels: list[str], **values: Any) -> tuple[Path, torch.Tensor]:
    """A classifier with a trained head for ``labels``, whose row for a label is filled with its first letter."""
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    model = BertForSequenceClassification(BertConfig(vocab_size=9, **sizes, **names, **values))
    with torch.no_grad():
        for row, label in enumerate(labels):
            model.classifier.weight[row] = model.classifier.bias[row] = float(ord(label[0].lower()))
    model.save_pretrained(tmp_path)
    return tmp_path, model.classifier.weight


def classifier(folder: Path, labels: list[str], **keywords: Any) -> tuple[Any, list[str]]:
    problem = {"problem_type": "single_label_classification", **keywords}
    with explain_load_errors(ModelRef("m", str(folder)), "model") as notes:
        model = load_sequence_model(str(folder), labels=labels, **problem)
    return model, notes


@pytest.mark.parametrize("asked", [["a", "b", "c"], ["c", "a", "b"], ["A", "b", "C"]])
def test_a_trained_head_keeps_its_labels_whatever_their_order(tmp_path: Path, asked: list[str]) -> None:
    folder, _ = trained_head(tmp_path, ["b", "c", "a"])
    model, notes = classifier(folder, asked)
    expected = [float(ord(label.lower())) for label in asked]
    assert model.classifier.weight[:, 0].tolist() == model.classifier.bias.tolist() == expected
    assert ("matched to the labels by name" in " ".join(notes)) == (asked != ["b", "c", "a"])


def test_names_that_transformers_makes_up_are_names_in_another_order(tmp_path: Path) -> None:
    folder, weight = trained_head(tmp_path, ["LABEL_2", "LABEL_1", "LABEL_0"])
    with torch.no_grad():
        weight += torch.arange(3)[:, None]
    BertForSequenceClassification.from_pretrained(folder).save_pretrained(folder)
    saved = load_file(folder / "model.safetensors")
    saved["classifier.weight"] = weight.detach().clone()
    save_file(saved, folder / "model.safetensors", {"format": "pt"})
    model, notes = classifier(folder, ["LABEL_0", "LABEL_1", "LABEL_2"])
    assert torch.equal(model.classifier.weight, weight.flip(0))
    assert "matched to the labels by name" in notes[0]


def test_a_head_whose_labels_were_not_written_has_the_names_that_transformers_makes_up(tmp_path: Path) -> None:
    folder, weight = trained_head(tmp_path, ["LABEL_0", "LABEL_1"])
    assert "id2label" not in json.loads((folder / "config.json").read_text())
    assert torch.equal(classifier(folder, ["LABEL_0", "LABEL_1"])[0].classifier.weight, weight)
    assert "(the checkpoint's is for LABEL_0, LABEL_1)" in classifier(folder, ["a", "b"])[1][0]


def test_a_head_in_the_same_order_is_left_alone(tmp_path: Path) -> None:
    folder, weight = trained_head(tmp_path, ["NEG", "POS"])
    model, notes = classifier(folder, ["neg", "pos"])
    assert torch.equal(model.classifier.weight, weight)
    assert notes == []


@pytest.mark.parametrize(
    ("asked", "keywords"),
    [(["x", "y", "z"], {}), (["a", "b", "x"], {}), (["a", "b", "c"], {"problem_type": "multi_label_classification"})],
)
def test_a_head_for_other_labels_starts_anew_and_says_so(tmp_path: Path, asked: list[str], keywords: Any) -> None:
    folder, _ = trained_head(tmp_path, ["a", "b", "c"], problem_type="single_label_classification")
    model, notes = classifier(folder, asked, **keywords)
    assert model.classifier.weight.abs().max() < 1
    assert notes == ["new, with random initial values: the output layer (the checkpoint's is for a, b, c)"]


def test_a_head_of_another_size_is_new(tmp_path: Path) -> None:
    folder, _ = trained_head(tmp_path, ["a", "b", "c"])
    model, notes = classifier(folder, ["a", "b"])
    assert model.classifier.weight.shape == (2, 32)
    assert notes == ["new, with random initial values: classifier"]


OWN_UNIT = "gives numbers in a unit of its own"


@pytest.mark.parametrize(
    ("label", "saved", "note"),
    [
        ("LABEL_0", {"problem_type": "regression"}, OWN_UNIT),
        ("score", {"problem_type": "regression"}, OWN_UNIT),
        ("LABEL_0", {}, OWN_UNIT),
        ("toxic", {"problem_type": "multi_label_classification"}, "is for toxic"),
    ],
)
def test_numbers_in_a_unit_that_nobody_knows_start_anew(
    tmp_path: Path, label: str, saved: dict[str, Any], note: str
) -> None:
    folder, _ = trained_head(tmp_path, [label], **saved)
    model, notes = classifier(folder, [], problem_type="regression")
    assert 0 < model.classifier.weight.abs().max() < 1
    assert notes == [f"new, with random initial values: the output layer (the checkpoint's {note})"]


def test_the_numbers_of_a_run_are_kept(tmp_path: Path) -> None:
    folder, weight = trained_head(tmp_path, ["LABEL_0"], problem_type="regression")
    (folder / "task.json").write_text("{}")
    model, notes = classifier(folder, [], problem_type="regression")
    assert torch.equal(model.classifier.weight, weight)
    assert notes == []


@pytest.mark.parametrize("family", ["bert", "roberta", "t5"])
def test_a_pooled_head_is_what_is_new(tiny_checkpoint: Any, family: str) -> None:
    model, notes = classifier(tiny_checkpoint(family), ["a", "b"], pooling="mean")
    assert notes == ["new, with random initial values: classifier"]
    assert not [name for name, _ in model.named_parameters() if "pooler" in name]


def test_a_number_from_a_decoder_has_one_new_head(tiny_checkpoint: Any) -> None:
    """Its own head, which has no bias, was loaded before and given up."""
    _, notes = classifier(tiny_checkpoint("gpt2"), [], problem_type="regression")
    assert notes == ["new, with random initial values: classifier"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"max_position_embeddings": "512"},
            "config.json has a value .*'max_position_embeddings' expected int, got str",
        ),
        ({"num_labels": "two"}, "config.json has a value of the wrong kind"),
        ({"dtype": "nope"}, "config.json has a value of the wrong kind .*'nope'"),
        ({"quantization_config": 5}, "config.json has a value of the wrong kind"),
        ({"hidden_act": "nope"}, r"config.json lacks an entry or has an unknown value \('nope'\); correct it"),
        ({"num_attention_heads": 0}, r"config.json has a value of the wrong kind \(integer modulo by zero\)"),
        ({"model_type": 5}, r"config.json names no model: .* and they are 5 and"),
        ({"architectures": [3]}, r"config.json names no model: .* and \[3\]; correct"),
    ],
)
def test_a_wrong_value_in_the_configuration_is_one_sentence(copy: Any, config: Any, message: str) -> None:
    folder = copy(**config)

    def load_all() -> None:
        load_tokenizer(resolve_model(str(folder)))
        classifier(folder, ["a", "b"])

    with pytest.raises(RequestError, match=message) as caught:
        load_all()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda _: {}, r"a file of the tokenizer lacks an entry .*\('added_tokens'\)"),
        (lambda _: [], "a file of the tokenizer has a value of the wrong kind"),
        (
            lambda values: values | {"pre_tokenizer": {"type": "nope"}},
            "tokenizer.json is damaged, or of another version",
        ),
    ],
)
def test_a_wrong_value_in_the_tokenizer_is_one_sentence(copy: Any, changed: Any, message: str) -> None:
    file = copy() / "tokenizer.json"
    file.write_text(json.dumps(changed(json.loads(file.read_text()))))
    with pytest.raises(RequestError, match=f"The tokenizer of .* cannot be loaded: .*{message}"):
        load_tokenizer(resolve_model(str(file.parent)))


def test_code_of_the_checkpoint_that_fails_is_not_taken_for_a_wrong_value_of_its_configuration() -> None:
    def fail(trusted: bool) -> str:
        with (
            pytest.raises(RequestError) as caught,
            explain_load_errors(ModelRef("m", "m", trusted=trusted), "configuration"),
        ):
            raise AttributeError("'Layer' object has no attribute 'rope'")
        return str(caught.value)

    assert "its code, or a value that it reads, does not work here (AttributeError: 'Layer' object" in fail(True)
    assert "config.json has a value of the wrong kind ('Layer' object" in fail(False)


def test_memory_that_is_used_up_is_no_fault_of_a_file() -> None:
    with pytest.raises(MemoryError), explain_load_errors(ModelRef("m", "m"), "tokenizer"):
        raise MemoryError


def test_a_pooled_run_is_a_backbone_for_other_tasks(tmp_path: Path, tiny_checkpoint: Any) -> None:
    classifier(tiny_checkpoint(), ["a", "b"], pooling="mean")[0].save_pretrained(tmp_path)
    with explain_load_errors(ModelRef("m", str(tmp_path)), "model") as notes:
        found = load_head(str(tmp_path), ["O", "B-X", "I-X"], crf=False)
        both = warm_start(str(tmp_path), start=1, end=2, pad=0)
    plain = load_file(tiny_checkpoint() / "model.safetensors")
    for own in (found.bert, both.encoder, both.decoder.bert):
        values = own.state_dict()
        names = [name.removeprefix("bert.") for name in plain if name.startswith("bert.") and "pooler" not in name]
        assert all(torch.equal(values[name], plain[f"bert.{name}"]) for name in names)
    assert "new, with random initial values: cls, crossattention" in notes


@pytest.mark.parametrize("family", ["t5", "mt5"])
@pytest.mark.parametrize("crf", [False, True])
def test_a_pooled_run_on_an_encoder_decoder_is_an_encoder_for_other_tasks(
    tmp_path: Path, tiny_checkpoint: Any, family: str, crf: bool
) -> None:
    classifier(tiny_checkpoint(family), ["a", "b"])[0].save_pretrained(tmp_path)
    with explain_load_errors(ModelRef("m", str(tmp_path)), "model") as notes:
        found = load_head(str(tmp_path), ["O", "B-X", "I-X"], crf=crf)
    whole = load_file(tiny_checkpoint(family) / "model.safetensors")
    values = found.transformer.state_dict()
    names = [name for name in whole if name.startswith("encoder.") or name == "shared.weight"]
    assert len(names) > 15
    assert all(torch.equal(values[name], whole[name]) for name in names)
    assert notes == [
        "the prefix 'backbone.' of the names in the file was removed",
        f"new, with random initial values: classifier{', crf' * crf}",
    ]


def test_a_pooled_run_on_an_encoder_decoder_has_no_decoder(tmp_path: Path, tiny_checkpoint: Any) -> None:
    classifier(tiny_checkpoint("bart"), ["a", "b"])[0].save_pretrained(tmp_path)
    from taskzoo.models.loading import backbone_config

    with pytest.raises(RequestError, match="checkpoint without a decoder, and this task needs one"):
        load(tmp_path, AutoModelForSeq2SeqLM, config=backbone_config(str(tmp_path), {}))


def test_a_callers_own_wish_for_the_report_is_met(tiny_checkpoint: Any) -> None:
    (_, info), _ = load(tiny_checkpoint(), output_loading_info=True)
    assert info["missing_keys"] == {"classifier.weight", "classifier.bias"}
    from transformers import PreTrainedModel

    assert PreTrainedModel.from_pretrained.__func__.__module__ == "transformers.modeling_utils"


def test_code_of_a_checkpoint_is_neither_run_nor_asked_for(copy: Any, tmp_path: Path) -> None:
    folder = copy(model_type="mine", auto_map={"AutoConfig": "own.Own", "AutoModel": "own.Own"})
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    from transformers import AutoConfig

    for keywords in ({}, {"trust_remote_code": False}):  # a caller who does not say is not asked either
        with (
            pytest.raises(RequestError, match="not run without trust_remote_code=True"),
            explain_load_errors(resolve_model(str(folder)), "configuration"),
        ):
            AutoConfig.from_pretrained(folder, **keywords)
    assert not (tmp_path / "ran").exists()


def test_pickled_weights_with_more_than_tensors_are_not_run(copy: Any, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> Any:
            return open, (str(tmp_path / "ran"), "w")

    folder = copy()
    (folder / "model.safetensors").unlink()
    torch.save({"x": Payload()}, folder / "pytorch_model.bin")
    with pytest.raises(RequestError, match="pickle file that holds more than tensors"):
        load(folder)
    assert not (tmp_path / "ran").exists()


def test_plain_pickled_weights_load(copy: Any, tiny_checkpoint: Any) -> None:
    folder = copy()
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert load(folder)[1] == ["new, with random initial values: classifier"]


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict"])
def test_tensors_one_level_below_are_found(copy: Any, wrapper: str) -> None:
    folder = copy()
    torch.save(
        {"epoch": torch.tensor(3), wrapper: load_file(folder / "model.safetensors")}, folder / "pytorch_model.bin"
    )
    (folder / "model.safetensors").unlink()
    with pytest.raises(RequestError, match=rf"one level below, in '{wrapper}'; save torch.load\(FILE\)"):
        load(folder)


def test_pickled_whole_numbers_are_refused_as_well(copy: Any) -> None:
    folder = copy()
    tensors = {n: v.to(torch.int8) if v.dim() > 1 else v for n, v in load_file(folder / "model.safetensors").items()}
    torch.save({n: v + 1 if v.dtype == torch.int8 else v for n, v in tensors.items()}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(RequestError, match="stored as whole numbers"):
        load(folder)


def test_weights_under_the_name_of_another_format_are_called_what_they_are(copy: Any) -> None:
    folder = copy()
    file, tensors = folder / "model.safetensors", load_file(folder / "model.safetensors")
    shutil.move(file, folder / "pytorch_model.bin")
    with pytest.raises(RequestError, match=r"holds safetensors.*call it model.safetensors"):
        load(folder)
    (folder / "pytorch_model.bin").unlink()
    torch.save(tensors, file)
    with pytest.raises(RequestError, match=r"written by torch.save, not as safetensors; call it pytorch_model.bin"):
        load(folder)
    file.write_text("<!DOCTYPE html><html></html>")
    with pytest.raises(RequestError, match="is a web page, not weights"):
        load(folder)


@pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "pytorch_model.bin", "rust_model.ot", "m.onnx"])
def test_a_pointer_of_weights_that_are_not_loaded_is_no_matter(copy: Any, name: str) -> None:
    folder = copy()
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    assert load(folder)[1] == ["new, with random initial values: classifier"]


@pytest.mark.parametrize(
    ("file", "values", "expected"),
    [
        (
            "config.json",
            {"id2label": ["a", "b"]},
            r'id2label in .*config.json\' must map numbers .*, and is \["a", "b"\]',
        ),
        ("config.json", {"id2label": {"a": "x"}}, "id2label in .*config.json' must map numbers"),
        (
            "tokenizer_config.json",
            {"model_max_length": -1},
            "model_max_length in .*tokenizer_config.json' .*, and is -1",
        ),
        ("tokenizer_config.json", {"model_max_length": "long"}, 'positive number of tokens, and is "long"'),
    ],
)
def test_settings_that_cannot_be_meant_name_file_and_key(copy: Any, file: str, values: Any, expected: str) -> None:
    folder = copy()
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(RequestError, match=expected):
        load(folder)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf{}", "{}".encode("utf-16")])
def test_a_configuration_with_a_byte_order_mark_is_called_that(copy: Any, content: bytes) -> None:
    folder = copy()
    (folder / "config.json").write_bytes(content)
    with pytest.raises(RequestError, match=r"byte order mark.*save it as UTF-8 without"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"junk", b"<!DOCTYPE html><html></html>", None])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_damaged_weights_are_one_sentence(copy: Any, name: str, content: bytes | None) -> None:
    folder = copy()
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(RequestError) as caught:
        load(folder)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_what_other_threads_load_meanwhile_is_their_own_business(tiny_checkpoint: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint("bert"), tmp_path / "more layers"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["num_hidden_layers"] += 1
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found: list[Any] = []
    with explain_load_errors(ModelRef("m", str(folder)), "model"):
        thread = threading.Thread(target=lambda: found.append(BertForSequenceClassification.from_pretrained(folder)))
        thread.start()
        thread.join()
        with pytest.raises(RequestError, match="more layers than there are"):
            BertForSequenceClassification.from_pretrained(folder)
    assert len(found) == 1


def test_many_threads_load_as_one_does(tiny_checkpoint: Any) -> None:
    found: list[Any] = []
    folders = [tiny_checkpoint(family) for family in ("bert", "t5", "marian")]

    def task(folder: Path) -> None:
        with explain_load_errors(ModelRef("m", str(folder)), "model"):
            cls = AutoModelForTokenClassification if folder.name == "bert" else AutoModelForSeq2SeqLM
            found.append((folder, cls.from_pretrained(folder, dtype=torch.float32)))

    threads = [threading.Thread(target=task, args=(folder,)) for folder in folders * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 9
    for folder, model in found:
        saved = load_file(folder / "model.safetensors")
        own = model.state_dict()
        assert all(torch.equal(own[name], tensor) for name, tensor in saved.items() if name in own)
