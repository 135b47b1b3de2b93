"""A new head is told from missing weights, also where the architecture has no backbone apart from its head."""

from __future__ import annotations

from transformers import T5Config, T5ForConditionalGeneration, T5ForQuestionAnswering

from taskzoo.models.load_report import LoadReport, read_report

SMALL = {"vocab_size": 10, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}


def report(model: object, *missing: str) -> LoadReport:
    return read_report(model, {"missing_keys": missing, "mismatched_keys": [], "unexpected_keys": []})


def test_a_linear_layer_beside_two_stacks_is_a_new_head() -> None:
    model = T5ForQuestionAnswering(T5Config(**SMALL))
    found = report(model, "qa_outputs.weight", "qa_outputs.bias")
    assert (found.new, found.missing) == (["qa_outputs.bias", "qa_outputs.weight"], [])
    assert found.new_parts == ["qa_outputs"]


def test_embeddings_stacks_and_output_layers_are_no_new_heads() -> None:
    model = T5ForConditionalGeneration(T5Config(**SMALL, tie_word_embeddings=False))
    decoder = [f"decoder.{name}" for name, _ in model.decoder.named_parameters()]
    for missing in (["shared.weight"], ["lm_head.weight"], decoder, ["qa_outputs.weight"]):
        owned = sorted(name for name in missing if name != "qa_outputs.weight")
        found = report(model, *missing)
        assert (found.new, found.missing) == ([], owned)
    half = report(T5ForQuestionAnswering(T5Config(**SMALL)), "qa_outputs.bias")
    assert half.missing == ["qa_outputs.bias"], "the file has the rest of the head, so it is damaged"
