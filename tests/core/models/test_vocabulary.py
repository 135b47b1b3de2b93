"""Hidden states instead of logits: where that is the same function, and that it is noticed where it is not."""

from __future__ import annotations

import pytest
import torch
import transformers

from taskzoo import registry
from taskzoo.engine.batches import tensors
from taskzoo.models.losses import cross_entropy
from taskzoo.models.vocabulary import forward_states, gives_states
from taskzoo.models.vocabulary_loss import vocabulary_cross_entropy
from taskzoo.models.warm_start import warm_start
from taskzoo.seq2seq.sequence_format import SequenceFormat
from taskzoo.testing import make_tiny_checkpoint
from taskzoo.types import IGNORE_INDEX, Feature

TEXTS = ["Anna sees two big red cars and reads the book.", "安娜看见两辆红色的大车。"] * 3
SEQ2SEQ = ("t5", "bart", "marian", "mbart", "mbart50", "m2m_100", "nllb", "pegasus", "mt5")
CAUSAL = ("gpt2", "qwen2")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A function from a family to a tiny model that generates, freshly loaded."""
    made = {}

    def load(family: str) -> transformers.PreTrainedModel:
        if family not in made:
            made[family] = make_tiny_checkpoint(tmp_path_factory.mktemp("m") / family, family, TEXTS, vocabulary=200)
        if family in SEQ2SEQ:
            return transformers.AutoModelForSeq2SeqLM.from_pretrained(made[family])
        if family in CAUSAL:
            return transformers.AutoModelForCausalLM.from_pretrained(made[family])
        torch.manual_seed(0)
        return warm_start(str(made[family]), start=1, end=2, pad=0)

    return load


def batch(model, size=3, length=6):
    """Inputs with padding at the end of the second row, and labels without it."""
    generator = torch.Generator().manual_seed(1)
    top = min(60, model.get_output_embeddings().weight.shape[0])
    ids = torch.randint(4, top, (size, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids.flip(1)
    labels = torch.where(mask.bool(), ids, IGNORE_INDEX)
    return inputs, labels


def with_bias(model):
    """BART's bias after the output layer, which is zero in a fresh checkpoint."""
    model.final_logits_bias = torch.randn(model.final_logits_bias.shape, generator=torch.Generator().manual_seed(2))
    return model


@pytest.mark.parametrize("family", [*SEQ2SEQ, *CAUSAL, "bert", "roberta"])
def test_every_family_that_generates_gives_states(model, family):
    found = model(family)
    assert gives_states(found)
    inputs, _ = batch(found)
    found.eval()
    torch.testing.assert_close(forward_states(found, found, inputs).logits(), found(**inputs).logits)


@pytest.mark.parametrize("family", ["bart", "marian", "mbart", "pegasus"])
def test_a_bias_after_the_layer_counts(model, family):
    found = with_bias(model(family)).eval()
    bias = found.final_logits_bias
    assert gives_states(found)
    inputs, _ = batch(found)
    expected = found(**inputs).logits
    torch.testing.assert_close(forward_states(found, found, inputs).logits(), expected)
    assert found.final_logits_bias is bias  # as it was
    torch.testing.assert_close(found(**inputs).logits, expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("family", ["t5", "bart", "gpt2", "bert"])
def test_loss_and_gradients_are_those_of_the_logits(model, family, smoothing):
    found = model(family).train()
    for module in found.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    if family == "bart":
        with_bias(found)
    inputs, labels = batch(found)
    expected = cross_entropy(found(**inputs).logits, labels, label_smoothing=smoothing)
    expected.total.backward()
    gradients = {name: p.grad.clone() for name, p in found.named_parameters() if p.grad is not None}
    found.zero_grad()
    loss = vocabulary_cross_entropy(forward_states(found, found, inputs), labels, label_smoothing=smoothing)
    loss.total.backward()
    assert loss.weight == expected.weight
    torch.testing.assert_close(loss.total, expected.total)
    torch.testing.assert_close(loss.reported, expected.reported)
    again = {name: p.grad for name, p in found.named_parameters() if p.grad is not None}
    assert again.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(again[name], gradient, rtol=1e-3, atol=1e-4, msg=name)


SMALL = {
    "vocab_size": 60,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}


def of_kind(kind, **values):
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, **SMALL, **values)
    found = transformers.AutoModelForCausalLM.from_config(config).train()
    torch.nn.init.normal_(found.get_output_embeddings().weight)  # logits that a cap of 2 bends
    return found


def test_a_cap_on_the_logits_is_noticed():
    found = of_kind("gemma2", head_dim=8, final_logit_softcapping=2.0)
    assert not gives_states(found)
    assert found.training
    assert "forward" not in vars(found.get_output_embeddings())
    assert gives_states(of_kind("gemma2", head_dim=8, final_logit_softcapping=None))


def test_a_scale_of_the_logits_is_one_of_the_states():
    found = of_kind("cohere", logit_scale=0.25).eval()
    assert gives_states(found)
    inputs, _ = batch(found)
    torch.testing.assert_close(forward_states(found, found, inputs).logits(), found(**inputs).logits)


def test_where_there_are_no_states_the_loss_is_that_of_the_logits(tmp_path):
    found = of_kind("gemma2", head_dim=8, final_logit_softcapping=2.0, architectures=["Gemma2ForCausalLM"]).eval()
    found.save_pretrained(tmp_path)
    task = registry.load_task("translation")(registry.task("translation").resolve_options({}))
    task._form = SequenceFormat("decoder", (), (3,), (), (1,), 2, None, 1, 0, 32, 32, 32)
    model = task.head(str(tmp_path)).eval()
    encoded = [Feature(0, 3, {"input_ids": [5, 6, 3], "target_ids": [7, 8, 1], "generate": True}, 3)]
    given = tensors(task.collator(None)(encoded))
    outputs = task.forward(model, given)
    loss = task.loss(outputs, given)
    logits = found(input_ids=torch.tensor([[5, 6, 3, 7, 8, 1]])).logits[0, 2:5]
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor([7, 8, 1]), reduction="sum")
    torch.testing.assert_close(loss.total, expected)
    assert loss.weight == 3


def test_a_model_without_an_output_layer_has_none():
    config = transformers.AutoConfig.for_model("bert", **SMALL)
    assert not gives_states(transformers.AutoModel.from_config(config))


def test_nothing_stays_changed_after_an_error(model):
    found = with_bias(model("bart"))
    bias = found.final_logits_bias
    with pytest.raises(ValueError, match="input"):  # neither ids nor vectors
        forward_states(found, found, {})
    assert found.final_logits_bias is bias
    assert "forward" not in vars(found.get_output_embeddings())
