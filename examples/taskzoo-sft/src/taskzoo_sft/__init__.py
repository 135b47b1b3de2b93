"""Supervised fine-tuning: the task and the callback that this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Extension, Option, TaskSpec, hookimpl

SFT = TaskSpec(
    id="sft",
    contract=2,
    entry_point="taskzoo_sft.task:SftTask",
    summary="Fine-tune a causal language model on conversations, instructions or plain texts.",
    columns={
        "messages": Column("a list of {role, content} or {from, value}", names=("conversations", "conversation")),
        "prompt": Column("an instruction or a question", names=("instruction", "question")),
        "context": Column("what the instruction is about, appended to it", names=("input",)),
        "system": Column("a system message"),
        "plain": Column("a plain text without a chat template", names=("text",)),
        "answer": Column(
            "the answer to the prompt", target=True, names=("completion", "response", "output", "completions")
        ),
    },
    options={
        "train_on": Option("answers", "tokens that the loss counts", choices=("answers", "all")),
        "system": Option("", "system message of conversations that have none"),
        "max_length": Option(0, "maximum tokens of a row (0: the model's limit, at most 2048)", minimum=0),
        "pack": Option(0, "training rows share sequences of this many tokens (0: one row each)", minimum=0),
        "generate": Option(False, "also generate answers to the held-out prompts and score them"),
        "max_new_tokens": Option(64, "maximum number of new tokens of an answer", minimum=1),
        "temperature": Option(0.0, "sampling temperature (0: always the most likely token)", minimum=0),
        "top_p": Option(1.0, "sample among the most likely tokens that add up to this probability", minimum=0.01),
        "sample_seed": Option(0, "sampling seed: the same seed gives the same answers", minimum=0),
    },
    formats=("jsonl", "json", "csv", "tsv", "parquet"),
    demo="taskzoo_sft:demo",
    default_model="scratch:gpt2-tiny",
    kinds=("decoder",),
    text_input="prompt",
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``sft``."""
    register(SFT)


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))


@hookimpl
def taskzoo_register_callbacks(register: Callable[[Extension], None]) -> None:
    """Register ``--track samples``."""
    register(Extension("samples", "taskzoo_sft.samples:Samples", "write answers to a few validation prompts"))
