"""Options and formats that all tasks from text to text have (nothing heavy is imported here)."""

from __future__ import annotations

from collections.abc import Mapping

from taskzoo.task import Option

TEXT2TEXT_OPTIONS: Mapping[str, Option] = {
    "max_source_length": Option(0, "tokens of a source (0: the model's limit, at most 1024)", minimum=0),
    "max_target_length": Option(0, "tokens of a target in training (0: the model's limit, at most 512)", minimum=0),
    "long_sources": Option(
        "truncate",
        "of a source that is too long: the beginning, or write for each chunk and join what was written",
        choices=("truncate", "chunks"),
    ),
    "prefix": Option("auto", "words before every source (auto: those the checkpoint was pretrained with, if any)"),
    "num_beams": Option(1, "beams of the search (1: greedy)", minimum=1),
    "length_penalty": Option(1.0, "exponent of the length by which a beam's score is divided; above 1 favours long"),
    "no_repeat_ngram": Option(0, "never write an n-gram of this length twice (0: allowed)", minimum=0),
    "min_new_tokens": Option(0, "tokens to write at least", minimum=0),
    "max_new_tokens": Option(0, "tokens to write at most (0: by the longest training target)", minimum=0),
    "sample": Option(False, "draw the tokens at random instead of taking the best"),
    "temperature": Option(1.0, "of sampling: below 1 safer, above 1 wilder", minimum=0.01),
    "top_k": Option(50, "sample among this many tokens (0: all)", minimum=0),
    "top_p": Option(1.0, "sample among the tokens that make up this probability", minimum=0.01),
    "sample_seed": Option(0, "of sampling: the same draws every time; another seed, other draws", minimum=0),
    "similarity": Option("", "an encoder for a score of similar meaning beside the others, e.g. minilm (slow)"),
}

TEXT2TEXT_FORMATS = ("jsonl", "json", "csv", "tsv", "parquet")

GENERATION_OPTIONS = (
    "num_beams", "length_penalty", "no_repeat_ngram", "min_new_tokens", "max_new_tokens", "sample", "temperature",
    "top_k", "top_p", "sample_seed",
)  # fmt: skip
"""Those that matter after training, too, and can be changed then."""
