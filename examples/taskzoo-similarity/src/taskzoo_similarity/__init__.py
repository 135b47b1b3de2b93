"""Search and similarity: the tasks, method, format and commands this package registers (nothing heavy is imported)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Extension, Option, TaskSpec, hookimpl

SIMILARITY = TaskSpec(
    id="similarity",
    contract=2,
    entry_point="taskzoo_similarity.similarity_task:SimilarityTask",
    summary="Train a sentence encoder, for search and for how similar two texts are.",
    columns={
        "text": Column("a text, such as a question", required=True, names=("anchor", "query", "sentence1", "question")),
        "other": Column(
            "a text to find for it, or to compare", required=True, names=("positive", "sentence2", "answer", "passage")
        ),
        "negative": Column("a text, or several, not to find for it", target=True, names=("negatives",)),
        "score": Column("how similar the two are, a number", target=True, names=("similarity_score", "label")),
        "topic": Column("texts of one topic are all to be found for one another", target=True, names=("group",)),
    },
    options={
        "loss": Option(
            "auto",
            "auto: cosent for rows with a score, otherwise multiple-negatives",
            choices=("auto", "multiple-negatives", "cosent", "cosine-mse"),
        ),
        "scale": Option(20.0, "factor of cosines in multiple-negatives and cosent", minimum=0.01),
        "pooling": Option(
            "auto",
            "vector of a text; auto: the checkpoint's own, otherwise mean, for decoders last",
            choices=("auto", "mean", "first", "last"),
        ),
        "text_prompt": Option("", "put before every text, e.g. 'query: ' for E5"),
        "other_prompt": Option("", "put before every other and negative text, e.g. 'passage: ' for E5"),
        "max_length": Option(0, "tokens per text (0: the model's limit, at most 512)", minimum=0),
        "mined": Option(1, "negatives per row that method=hard-negatives adds", minimum=1),
        "mining_margin": Option(
            0.95, "a mined negative is at most this share as similar as the right text (hard-negatives)", minimum=0.0
        ),
    },
    formats=("jsonl", "json", "csv", "tsv", "parquet"),
    demo="taskzoo_similarity:demo/similarity",
    default_model="minilm",
    demo_model="minilm",
    kinds=("encoder", "decoder"),
)

RERANKING = TaskSpec(
    id="reranking",
    contract=2,
    entry_point="taskzoo_similarity.reranking_task:RerankingTask",
    summary="Train a cross-encoder that orders passages by how relevant they are to a query.",
    columns={
        "query": Column("what is searched for", required=True, names=("question",)),
        "passage": Column("a text that may answer it", required=True, names=("document", "text", "answer")),
        "relevance": Column("0: not relevant, above: more", required=True, target=True, names=("label", "score")),
    },
    options={
        "max_length": Option(0, "tokens of query and passage together (0: the model's limit, at most 512)", minimum=0),
    },
    formats=("jsonl", "json", "csv", "tsv", "parquet"),
    demo="taskzoo_similarity:demo/reranking",
    default_model="minilm",
    demo_model="minilm",
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``similarity`` and ``reranking``."""
    register(SIMILARITY)
    register(RERANKING)


@hookimpl
def taskzoo_register_methods(register: Callable[[Extension], None]) -> None:
    """Register ``--method hard-negatives``."""
    summary = "mine negatives that look like the right text before training (task similarity)"
    register(Extension("hard-negatives", "taskzoo_similarity.hard_negatives:HardNegatives", summary))


@hookimpl
def taskzoo_register_readers(register: Callable[[Extension], None]) -> None:
    """Register ``--format ranking-lists``."""
    summary = "JSON lines with a query, positive and negative passages (task reranking)"
    register(Extension("ranking-lists", "taskzoo_similarity.ranking_lists:RankingLists", summary))


@hookimpl
def taskzoo_register_commands(register: Callable[[Extension], None]) -> None:
    """Register ``zoo embed`` and ``zoo search``."""
    register(Extension("embed", "taskzoo_similarity.commands:embed", "Vectors of texts, by a run of similarity."))
    register(Extension("search", "taskzoo_similarity.commands:search", "Find the texts most similar to a query."))


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add settings that work well for the tasks."""
    add(Path(__file__).with_name("recipes.yaml"))
