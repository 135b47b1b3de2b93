"""Extractive question answering: what this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Extension, Option, TaskSpec, hookimpl

QA = TaskSpec(
    id="qa",
    contract=2,
    entry_point="taskzoo_qa.task:QaTask",
    summary="Find the answer to a question in a text, or say that it has none (SQuAD, CMRC).",
    columns={
        "question": Column("the question", required=True, names=("query", "query_text")),
        "context": Column("the text that holds the answer", required=True, names=("passage", "context_text")),
        "answers": Column(
            "the answers: a text, a list of texts or of {text, start}; an empty list where there is none",
            required=True,
            target=True,
            names=("answer",),
        ),
        "id": Column("the question's id", names=("query_id", "qid")),
    },
    options={
        "language": Option(
            "auto",
            "how answers are compared: SQuAD (en), CMRC (zh), or as the script says",
            choices=("auto", "en", "zh"),
        ),
        "max_length": Option(
            0, "sub-tokens of question and context together (0: the model's limit, at most 384)", minimum=0
        ),
        "doc_stride": Option(128, "sub-tokens of a long context that neighbouring windows share", minimum=0),
        "max_question_length": Option(64, "sub-tokens of a question; the rest is cut", minimum=1),
        "max_answer_length": Option(30, "sub-tokens of an answer, at most", minimum=1),
        "n_best": Option(1, "answers to list, the best first", minimum=1),
        "no_answer": Option(
            "auto",
            "whether there may be none: if the training rows had such questions, or never",
            choices=("auto", "never"),
        ),
    },
    formats=("jsonl", "json", "csv", "tsv", "parquet"),
    demo="taskzoo_qa:demo",
    default_model="minilm",
    demo_model="minilm",
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``qa``."""
    register(QA)


@hookimpl
def taskzoo_register_readers(register: Callable[[Extension], None]) -> None:
    """Register the format ``squad``."""
    register(Extension("squad", "taskzoo_qa.reader:Squad", "nested JSON of SQuAD 1.1 and 2.0, and of CMRC 2018"))


@hookimpl
def taskzoo_register_commands(register: Callable[[Extension], None]) -> None:
    """Register ``zoo squad-score``."""
    register(
        Extension("squad-score", "taskzoo_qa.commands:squad_score", "Score a file of answers against a gold file.")
    )


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))
