"""The contract by the kit that taskzoo ships, and what is special about this task by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from taskzoo_sft import SFT
from taskzoo_sft.chat import PLAIN, Chat
from taskzoo_sft.demo import generate as demo
from taskzoo_sft.metrics import ExactMatch, Perplexity
from taskzoo_sft.packing import pack
from taskzoo_sft.samples import Samples
from taskzoo_sft.task import SftTask
from transformers import AutoModelForCausalLM, AutoTokenizer, BloomConfig, BloomForCausalLM

import taskzoo
from taskzoo import IGNORE_INDEX, DataError, Example, Feature, RequestError, Row, RunFacts
from taskzoo.testing import TaskContract, make_tiny_checkpoint

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TALK = [
    {"role": "user", "content": "What is 1 plus 1?"},
    {"role": "assistant", "content": "2"},
    {"role": "user", "content": "And plus 3?"},
    {"role": "assistant", "content": "It is 5"},
]
TEXTS = [message["content"] for message in TALK] + ["### user assistant system", "Spell cat. c-a-t", "你好，世界"]
SHORT: dict[str, Any] = {"max_steps": 3, "batch_size": 4, "learning_rate": 3e-3, "precision": "fp32", "seed": 1}


class TestGpt2(TaskContract):
    task = "sft"
    settings: ClassVar = {"generate": True, "max_new_tokens": 6}


class TestQwen2WithLora(TaskContract):
    task = "sft"
    family = "qwen2"
    data = "zh"
    settings: ClassVar = {"method": "lora", "train_on": "all", "max_new_tokens": 6, "pack": 96}


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without a pad token and without a chat template."""
    return make_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "gpt2", "gpt2", TEXTS)


@pytest.fixture
def chatml(gpt2: Path) -> Any:
    """A tokenizer with a template whose turns end with another token than its texts."""
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = CHATML
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def make_task(tokenizer: Any, **options: Any) -> SftTask:
    task = SftTask(SFT.resolve_options(options))
    task.configure(tokenizer, None)
    return task


def feature(task: SftTask, tokenizer: Any, split: str = "train", **fields: Any) -> Any:
    [found] = task.encode(task.prepare([Row(fields)], split), tokenizer).features
    return found


def learnt(task: SftTask, tokenizer: Any, **fields: Any) -> str:
    """The text of the tokens that the loss counts."""
    batch = task.collator(tokenizer)([feature(task, tokenizer, **fields)])
    return str(tokenizer.decode(batch.inputs["input_ids"][batch.targets["labels"] != IGNORE_INDEX]))


# forms of rows


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": TALK[:2]},
        {"messages": json.dumps(TALK[:2])},
        {"messages": [{"from": "human", "value": TALK[0]["content"]}, {"from": "gpt", "value": "2"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": TALK[0]["content"]}]}, TALK[1]]},
        {"prompt": TALK[0]["content"], "answer": "2"},
        {"prompt": TALK[0]["content"], "answer": 2},
        {"messages": TALK[:1], "answer": "2"},
        {"messages": TALK[:2], "answer": "2"},
        {"messages": TALK[:3]},
        {"prompt": TALK[:1], "answer": "2"},
        {"prompt": TALK[:1], "answer": TALK[1:2]},
        {"prompt": TALK[0]["content"], "answer": "2", "messages": "", "plain": None},
    ],
)
def test_all_forms_of_a_conversation_are_one(fields: dict[str, Any]) -> None:
    [example] = SftTask(SFT.resolve_options({})).prepare([Row(fields)], "train")
    assert (example["messages"], example["answer"]) == (TALK[:1], "2")


def test_numbers_are_texts_also_0() -> None:
    fields = {"system": 0, "prompt": 1, "context": 0, "answer": 0}
    [example] = SftTask(SFT.resolve_options({})).prepare([Row(fields)], "train")
    said = [(message["role"], message["content"]) for message in example["messages"]]
    assert (said, example["answer"]) == ([("system", "0"), ("user", "1\n\n0")], "0")


def test_messages_after_the_last_answer_are_counted(chatml: Any) -> None:
    task = make_task(chatml)
    examples = task.prepare([Row({"messages": [*TALK, *TALK[:1]]}), Row({"messages": TALK})], "train")
    assert task.encode(examples, chatml).counts["unanswered_messages"] == 1


def test_what_belongs_to_an_instruction_is_appended_and_a_system_message_comes_first() -> None:
    [example] = SftTask(SFT.resolve_options({"system": "Be brief."})).prepare(
        [Row({"prompt": "Translate.", "context": "le chat", "answer": "the cat"})], "train"
    )
    assert example["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Translate.\n\nle chat"},
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "has no messages, prompt or text"),
        ({"prompt": "a", "plain": "b"}, "has prompt and text"),
        ({"prompt": "a"}, "there is no answer to learn"),
        ({"messages": "[{"}, "not JSON"),
        ({"messages": []}, "at least one message"),
        ({"messages": ["hello"]}, "message 1 is not a mapping"),
        ({"messages": [{"role": "wizard", "content": "a"}]}, "the role of message 1 is 'wizard'"),
        ({"messages": TALK[:1]}, "no answer to learn"),
        ({"messages": TALK[1:2]}, "no message of the role user"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}, TALK[1]]}, "other things than text"),
        ({"messages": [{"role": "user", "content": " "}, TALK[1]]}, "content of message 1 is empty"),
        ({"plain": "a", "answer": "b"}, "has a plain text and the role answer, which is not read with it"),
        ({"plain": "a", "system": "b"}, "has a plain text and the role system"),
        ({"messages": TALK[:2], "context": "b"}, "has messages and the role context"),
        ({"prompt": TALK[:1], "context": "b", "answer": "c"}, "has messages and the role context"),
        ({"messages": TALK[:2], "answer": "3"}, "the messages end with an answer, and the row has another answer"),
        ({"prompt": "a", "answer": TALK[:1]}, "the answer must be a text or one message of the role assistant"),
        (
            {"messages": [{"role": "system", "content": "a"}, *TALK[:2]], "system": "b"},
            "begin with a system message, and the row has another",
        ),
    ],
)
def test_what_cannot_be_used_is_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=r"f\.jsonl:3: ") as error:
        SftTask(SFT.resolve_options({})).prepare([Row(fields, "f.jsonl", 3)], "train")
    assert said in str(error.value)


def test_a_conversation_to_predict_for_loses_its_answer() -> None:
    task = SftTask(SFT.resolve_options({}))
    for given in (TALK, TALK[:3]):
        [example] = task.prepare([Row({"messages": given})], "predict")
        assert (example["messages"], example["answer"]) == (TALK[:3], None)


# the loss counts the answers alone


def test_the_plain_template_learns_answers_and_their_end(gpt2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    tokenizer.pad_token = tokenizer.eos_token
    task = make_task(tokenizer)
    assert tokenizer.chat_template == PLAIN
    assert learnt(task, tokenizer, messages=TALK) == "2<|endoftext|>It is 5<|endoftext|>"
    ids = feature(task, tokenizer, messages=TALK)["input_ids"]
    said = f"### user\n{TALK[0]['content']}\n\n### assistant\n2<|endoftext|>\n\n### user\n{TALK[2]['content']}\n\n"
    assert tokenizer.decode(ids) == f"{said}### assistant\nIt is 5<|endoftext|>"


def test_the_tokenizers_own_template_and_end_of_turn(chatml: Any) -> None:
    task = make_task(chatml)
    end = chatml.convert_tokens_to_ids("<|im_end|>")
    assert Chat(chatml).ends == [chatml.eos_token_id, end]
    assert learnt(task, chatml, messages=TALK) == "2<|im_end|>It is 5<|im_end|>"
    assert feature(task, chatml, messages=TALK)["input_ids"][-1] == end


def test_a_prompt_has_the_tokens_that_transformers_gives_it(chatml: Any) -> None:
    task = make_task(chatml)
    for messages in (TALK[:1], [{"role": "system", "content": "Be brief."}, *TALK[:1]]):
        found = feature(task, chatml, "predict", messages=messages)["prompt_ids"]
        wanted = chatml.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
        assert found == wanted
        whole = feature(task, chatml, messages=[*messages, TALK[1]])
        assert whole["input_ids"][: len(wanted)] == wanted
        assert not any(whole["answer"][: len(wanted)])
        assert all(whole["answer"][len(wanted) :])


def test_a_template_that_changes_earlier_turns_learns_the_last_answer(chatml: Any) -> None:
    chatml.chat_template = CHATML.replace(
        "{{ m['content'] }}", "{{ m['content'] if loop.last or m['role'] == 'user' else 'gone' }}"
    )
    task = make_task(chatml)
    assert learnt(task, chatml, messages=TALK) == "It is 5<|im_end|>"
    assert task.encode(task.prepare([Row({"messages": TALK})], "train"), chatml).counts["answers_not_learnt"] == 1


def test_templates_that_cannot_be_used_are_refused(chatml: Any) -> None:
    chatml.chat_template = CHATML.replace("{% for", "{{ messages | length }}{% for")
    task = make_task(chatml)
    with pytest.raises(RequestError, match="does not continue its own generation prompt"):
        feature(task, chatml, messages=TALK[:2])
    chatml.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
    )
    with pytest.raises(RequestError, match=r"roles system, user.*no system"):
        feature(make_task(chatml, system="Be brief."), chatml, messages=TALK[:2])


def test_train_on_all_and_plain_texts(chatml: Any) -> None:
    task = make_task(chatml, train_on="all")
    found = feature(task, chatml, messages=TALK[:2])
    batch = task.collator(chatml)([found])
    assert batch.targets["labels"].tolist() == [found["input_ids"]]
    assert (batch.targets["answers"] != IGNORE_INDEX).sum() < len(found["input_ids"])
    assert learnt(make_task(chatml), chatml, plain="Spell cat.") == "Spell cat.<|endoftext|>"
    assert feature(make_task(chatml), chatml, "predict", plain="Spell")["prompt_ids"] == chatml("Spell")["input_ids"]


def test_truncation_keeps_the_answer_and_is_counted(chatml: Any) -> None:
    whole = feature(make_task(chatml), chatml, messages=TALK[:2])
    answers = sum(whole["answer"])
    rows = [Row({"messages": TALK[:2]})]
    task = make_task(chatml, max_length=len(whole["input_ids"]) - 3)
    encoded = task.encode(task.prepare(rows, "train"), chatml)
    assert encoded.counts == {
        "truncated_prompts": 1,
        "truncated_answers": 0,
        "answers_not_learnt": 0,
        "unanswered_messages": 0,
    }
    assert encoded.features[0]["input_ids"] == whole["input_ids"][3:]
    task = make_task(chatml, max_length=answers)  # not even one token of the prompt would fit
    encoded = task.encode(task.prepare(rows, "train"), chatml)
    assert encoded.counts == {
        "truncated_prompts": 1,
        "truncated_answers": 1,
        "answers_not_learnt": 0,
        "unanswered_messages": 0,
    }
    assert encoded.features[0]["input_ids"] == whole["input_ids"][-answers - 1 : -1]
    assert encoded.features[0]["answer"] == [False] + [True] * (answers - 1)


def test_limits_that_cannot_be_met(gpt2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    for options, said in (({"max_length": 513}, "exceeds the 512"), ({"max_new_tokens": 512}, "no room for a prompt")):
        with pytest.raises(RequestError, match=said):
            feature(make_task(tokenizer, **options), tokenizer, prompt="a", answer="b")
    with pytest.raises(RequestError, match="at most 1"):
        SftTask(SFT.resolve_options({"top_p": 2.0}))
    for option, said in (({"top_p": 0.5}, "top_p=0.5"), ({"sample_seed": 3}, "sample_seed=3")):
        with pytest.raises(RequestError, match=f"{said} has no effect without temperature above 0; add that, or set"):
            SftTask(SFT.resolve_options(option)).fit([])
        SftTask(SFT.resolve_options({**option, "temperature": 0.5})).fit([])


# packing


def test_best_fit_fills_sequences() -> None:
    lengths = [5, 3, 8, 2, 2, 12, 6]
    rows = [Feature(i, n, {"input_ids": [i] * n, "answer": [True] * n, "lengths": []}) for i, n in enumerate(lengths)]
    packed = pack(rows, 10)
    assert [(f.rows, f["lengths"]) for f in packed] == [
        ((5,), [12]),
        ((2, 3), [8, 2]),
        ((1, 6), [3, 6]),
        ((0, 4), [5, 2]),
    ]
    assert [f.length for f in packed] == [12, 10, 9, 7]
    assert packed[3]["input_ids"] == [0] * 5 + [4] * 2
    assert pack([], 10) == []


@pytest.mark.parametrize("train_on", ["answers", "all"])
@pytest.mark.parametrize("family", ["gpt2", "qwen2"])
def test_packed_rows_have_the_loss_and_the_gradient_of_rows_alone(family: str, train_on: str, tmp_path: Path) -> None:
    checkpoint = make_tiny_checkpoint(tmp_path / family, family, TEXTS)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.pad_token = tokenizer.eos_token
    task = make_task(tokenizer, pack=80, train_on=train_on)
    model = task.head(str(checkpoint)).eval()
    rows = [Row({"messages": TALK}), Row({"messages": TALK[:2]}), Row({"plain": "Spell cat."})] * 3
    features = task.encode(task.prepare(rows, "train"), tokenizer).features
    packed = task.pack(features)
    assert len(packed) < len(features)
    assert max(len(f["lengths"]) for f in packed) > 2
    found = []
    for given in (features, packed):
        model.zero_grad()
        batch = task.collator(tokenizer)(given)
        loss = task.loss(task.forward(model, batch), batch)
        loss.total.backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        found.append((float(loss.total), float(loss.weight), gradient))
    (total, weight, gradient), (packed_total, packed_weight, packed_gradient) = found
    assert packed_total == pytest.approx(total, rel=1e-5)
    assert packed_weight == weight
    assert torch.allclose(packed_gradient, gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max()))


def test_a_model_that_would_see_all_rows_is_refused(tmp_path: Path) -> None:
    config = BloomConfig(vocab_size=512, hidden_size=32, n_layer=2, n_head=4)
    BloomForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(RequestError, match="pack=64 puts rows into one sequence, in which a model of the family bloom"):
        SftTask(SFT.resolve_options({"pack": 64})).head(str(tmp_path))


def test_the_batch_size_counts_packed_sequences(gpt2: Path, tmp_path: Path) -> None:
    rows = [{"messages": TALK}, {"messages": TALK[:2]}, {"messages": TALK[2:]}, {"text": "Spell cat."}] * 4
    data: Any = {"train": rows, "validation": rows[:2], "test": rows[:3], "model": str(gpt2), "pack": 128}
    said: list[str] = []
    settings = {**SHORT, "max_steps": 0, "epochs": 1, "reporter": said.append}
    run = taskzoo.finetune("sft", output=tmp_path / "run", **data, **settings)
    [line] = [line for line in said if line.startswith("packed")]
    sequences = int(line.rpartition("into ")[2].partition(",")[0])
    assert line == f"packed    16 sequences of the training rows into {sequences}, which the batch size counts"
    assert 3 <= sequences <= 8
    history = [json.loads(line) for line in (run.path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert max(entry["step"] for entry in history) == math.ceil(sequences / 4)


# against transformers


@pytest.fixture(scope="module")
def run(gpt2: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    rows = [{"messages": TALK}, {"messages": TALK[:2]}, {"messages": [TALK[2], TALK[3]]}, {"text": "Spell cat."}] * 2
    data: Any = {"train": rows, "validation": rows[:2], "test": rows[:3]}
    folder = tmp_path_factory.mktemp("runs") / "run"
    return taskzoo.finetune("sft", model=str(gpt2), output=folder, track=["samples"], **data, **SHORT)


def test_the_loss_of_a_step_is_that_of_transformers(gpt2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    tokenizer.pad_token = tokenizer.eos_token
    task = make_task(tokenizer)
    model = task.head(str(gpt2)).eval()
    rows = [Row({"messages": TALK}), Row({"messages": TALK[:2]}), Row({"plain": "Spell cat."})]
    batch = task.collator(tokenizer)(task.encode(task.prepare(rows, "train"), tokenizer).features)
    with torch.no_grad():
        loss = task.loss(task.forward(model, batch), batch)
        wanted = model(**batch.inputs, labels=batch.targets["labels"]).loss
    assert float(loss.total / loss.weight) == pytest.approx(float(wanted), abs=1e-5)
    assert int(loss.weight) == int((batch.targets["labels"][:, 1:] != IGNORE_INDEX).sum())


def test_the_perplexity_is_that_of_plain_transformers(run: Any) -> None:
    tokenizer = AutoTokenizer.from_pretrained(run.path / "model")
    model = AutoModelForCausalLM.from_pretrained(run.path / "model").eval()
    nats, tokens = 0.0, 0
    for messages in (TALK, TALK[:2], TALK[2:]):
        before = ""
        ids: list[int] = []
        labels: list[int] = []
        for end in range(2, len(messages) + 1, 2):  # written out: what is said, then the answer
            prompt = tokenizer.apply_chat_template(messages[: end - 1], tokenize=False, add_generation_prompt=True)
            asked = tokenizer(prompt[len(before) :])["input_ids"]
            answered = tokenizer(messages[end - 1]["content"] + tokenizer.eos_token)["input_ids"]
            ids += asked + answered
            labels += [IGNORE_INDEX] * len(asked) + answered
            before = prompt + messages[end - 1]["content"] + tokenizer.eos_token
        with torch.no_grad():
            loss = model(torch.tensor([ids]), labels=torch.tensor([labels])).loss
        count = sum(label != IGNORE_INDEX for label in labels)
        nats, tokens = nats + float(loss) * count, tokens + count
    assert run.metrics["test"]["perplexity"] == pytest.approx(math.exp(nats / tokens), rel=1e-4)
    low, high = run.metrics["test"]["perplexity_ci95"]
    assert low <= run.metrics["test"]["perplexity"] <= high


def test_answers_are_those_of_plain_transformers(run: Any) -> None:
    tokenizer = AutoTokenizer.from_pretrained(run.path / "model")
    model = AutoModelForCausalLM.from_pretrained(run.path / "model").eval()
    inputs = tokenizer.apply_chat_template(TALK[:1], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    made = model.generate(**inputs)[0, inputs["input_ids"].shape[1] :]
    answer = run.predict(TALK[0]["content"])
    assert answer["text"] == tokenizer.decode(made, skip_special_tokens=True).strip()
    assert run.predict({"messages": TALK[:1]})["text"] == answer["text"]
    together = run.predict([TALK[0]["content"], "Spell cat, and then what else there is to be said of it."])
    assert together[0] == answer, "padding on the left is not seen"


def test_sampling_does_not_depend_on_the_batch(run: Any) -> None:
    sampling = taskzoo.load(run.path, options={"temperature": 1.0, "max_new_tokens": 8})
    alone = sampling.predict(TALK[0]["content"])
    assert sampling.predict([TALK[2]["content"], TALK[0]["content"]])[1] == alone


def test_samples_are_written_after_each_evaluation(run: Any) -> None:
    lines = [json.loads(line) for line in (run.path / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["step"], line["messages"], line["target"]) for line in lines[:2]] == [
        (2, TALK[:3], "It is 5"),
        (2, TALK[:1], "2"),
    ]
    assert all(isinstance(line["text"], str) for line in lines)


def test_samples_of_steps_that_are_made_again_are_dropped(tmp_path: Path) -> None:
    samples = Samples()
    samples.run_started(RunFacts(tmp_path, {}, {}))
    samples.training_started(0)
    for step in (2, 4):
        samples.validated(step, [Example({"messages": TALK[:1], "answer": "2"})], lambda asked: [{"text": "3\u2028"}])
    with samples.path.open("a", encoding="utf-8") as file:
        file.write('{"step": 2, "text"')  # a process that was ended
    samples.training_started(2)
    lines = (tmp_path / "samples.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert list(map(json.loads, lines)) == [{"step": 2, "text": "3\u2028", "target": "2"}]


def test_an_adapter_merges_into_a_plain_model(gpt2: Path, tmp_path: Path) -> None:
    rows = [{"messages": TALK}, {"messages": TALK[:2]}] * 4
    settings = {**SHORT, "method": "lora", "max_steps": 2, "output": tmp_path / "run"}
    run = taskzoo.finetune("sft", model=str(gpt2), train=rows, validation=rows[:2], test=rows[:2], **settings)
    model, report = AutoModelForCausalLM.from_pretrained(run.path / "model", output_loading_info=True)
    assert not report["missing_keys"]
    assert not [name for name in model.state_dict() if "lora" in name]
    before = AutoModelForCausalLM.from_pretrained(gpt2).state_dict()
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    assert changed


# metrics


def test_scores_against_numbers_worked_out_by_hand() -> None:
    found = Perplexity().compute([{"nll": 2.0, "tokens": 1}, {"nll": 1.0, "tokens": 2}], [{}, {}])
    assert found == {"perplexity": pytest.approx(math.e)}
    assert Perplexity().compute([{"nll": 1e6, "tokens": 1}], [{}]) == {"perplexity": math.inf}
    predictions = [{"text": "5 "}, {"text": "six"}]
    assert ExactMatch().compute(predictions, [{"targets": ["5"]}, {"targets": ["6"]}]) == {"exact_match": 0.5}


def test_the_demo_set_is_what_its_script_writes(tmp_path: Path) -> None:
    demo.main(tmp_path)
    shipped = Path(demo.__file__).parent
    for file in tmp_path.rglob("*.jsonl"):
        assert file.read_bytes() == (shipped / file.relative_to(tmp_path)).read_bytes()


def test_no_held_out_question_is_trained_on() -> None:
    for language in demo.SUMS:
        rows = demo.rows(language)
        asked = {split: {text for row in found for text in _questions(row)} for split, found in rows.items()}
        assert not asked["train"] & (asked["validation"] | asked["test"])
        assert not asked["validation"] & asked["test"]


def _questions(row: dict[str, Any]) -> list[str]:
    return [m["content"] for m in row["messages"] if m["role"] == "user"] if "messages" in row else [row["prompt"]]
