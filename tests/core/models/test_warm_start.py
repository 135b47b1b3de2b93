"""An encoder-decoder warm-started from an encoder: which weights are whose, and that it is saved as it is."""

from __future__ import annotations

import pytest
import torch
import transformers

from taskzoo.engine.freezing import new_module_names
from taskzoo.errors import RequestError
from taskzoo.models.warm_start import FAMILIES, fresh_modules, warm_start
from taskzoo.testing import make_tiny_checkpoint

TEXTS = ["Anna sees two big red cars and reads the book.", "Ben buys apples."] * 3


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A function from a family to the folder of a tiny encoder."""
    made = {}

    def make(family: str) -> str:
        if family not in made:
            folder = tmp_path_factory.mktemp("encoders") / family
            made[family] = str(make_tiny_checkpoint(folder, family, TEXTS, vocabulary=120))
        return made[family]

    return make


families = pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "electra"])


@families
def test_both_sides_begin_with_the_encoders_weights(checkpoint, family):
    model = warm_start(checkpoint(family), start=1, end=2, pad=0)
    encoder = transformers.AutoModel.from_pretrained(checkpoint(family), **_no_pooler(family))
    expected = encoder.state_dict()
    sides = {
        "encoder": dict(model.encoder.state_dict()),
        "decoder": dict(getattr(model.decoder, model.decoder.base_model_prefix).state_dict()),
    }
    for side, found in sides.items():
        for name, tensor in expected.items():
            if not name.startswith("pooler"):
                assert torch.equal(found[name], tensor), (side, name)
    assert not _share(model.encoder, model.decoder)  # they are trained apart


def _no_pooler(family: str) -> dict[str, bool]:
    return {} if family == "electra" else {"add_pooling_layer": False}


def _share(one: torch.nn.Module, other: torch.nn.Module) -> set[int]:
    return {p.data_ptr() for p in one.parameters()} & {p.data_ptr() for p in other.parameters()}


@families
def test_the_cross_attention_is_new(checkpoint, family):
    first, second = [], []
    for seed, found in ((0, first), (1, second)):
        torch.manual_seed(seed)
        model = warm_start(checkpoint(family), start=1, end=2, pad=0)
        names = [name for name in fresh_modules(model) if "crossattention" in name]
        assert len(names) == model.config.decoder.num_hidden_layers
        found += [model.get_submodule(name).self.query.weight.detach() for name in names]
        assert set(names) <= set(new_module_names(model))
    for one, other in zip(first, second, strict=True):
        assert not torch.equal(one, other)


@families
def test_a_decoder_sees_earlier_tokens_and_the_source(checkpoint, family):
    model = warm_start(checkpoint(family), start=1, end=2, pad=0).eval()
    source, target = torch.tensor([[5, 6, 7, 8]]), torch.tensor([[1, 9, 10, 11, 12]])
    later, other = target.clone(), source.clone()
    later[0, 3:] = 20
    other[0, 0] = 20
    with torch.no_grad():
        logits = model(input_ids=source, decoder_input_ids=target).logits
        torch.testing.assert_close(model(input_ids=source, decoder_input_ids=later).logits[:, :3], logits[:, :3])
        assert not torch.allclose(model(input_ids=other, decoder_input_ids=target).logits, logits)


@families
def test_saved_and_loaded_it_is_the_same(checkpoint, tmp_path, family):
    model = warm_start(checkpoint(family), start=1, end=2, pad=0).eval()
    model.save_pretrained(tmp_path / "model")
    again = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "model").eval()
    assert (again.config.decoder_start_token_id, again.config.eos_token_id, again.config.pad_token_id) == (1, 2, 0)
    inputs = {"input_ids": torch.tensor([[5, 6, 7]]), "decoder_input_ids": torch.tensor([[1, 9]])}
    with torch.no_grad():
        torch.testing.assert_close(again(**inputs).logits, model(**inputs).logits)


def test_what_nothing_uses_is_not_trained(checkpoint):
    model = warm_start(checkpoint("bert"), start=1, end=2, pad=0)
    assert not any(p.requires_grad for name, p in model.named_parameters() if "pooler" in name)


@pytest.mark.parametrize("family", ["modernbert", "deberta-v2", "distilbert"])
def test_a_family_that_cannot_be_a_decoder_is_refused(checkpoint, family):
    with pytest.raises(RequestError, match=f"{family}.*cannot be used as a decoder.*t5") as error:
        warm_start(checkpoint(family), start=1, end=2, pad=0)
    assert "\n" not in str(error.value)


def test_only_warm_started_models_have_fresh_modules(tmp_path):
    folder = make_tiny_checkpoint(tmp_path / "t5", "t5", TEXTS, vocabulary=120)
    assert fresh_modules(transformers.AutoModelForSeq2SeqLM.from_pretrained(folder)) == []
    assert len(FAMILIES) == len(set(FAMILIES))
