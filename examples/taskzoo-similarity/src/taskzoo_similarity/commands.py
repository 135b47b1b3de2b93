"""``zoo embed`` and ``zoo search``; nothing heavy is imported before they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[str, typer.Argument(help="The run directory of a model for similarity.")]
Column = Annotated[str | None, typer.Option(help="The key of the text in JSON lines (.jsonl).", show_default="text")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]


def embed(
    run: Run,
    input: Annotated[Path, typer.Option(help="One text per line, or JSON lines (.jsonl).")],
    output: Annotated[Path, typer.Option(help="A .npy file, or .jsonl for JSON lines with text and vector.")],
    column: Column = None,
    role: Annotated[str, typer.Option(help="text or other: whose prompt is put before them.")] = "text",
    quiet: Quiet = False,
) -> None:
    """Write a vector of length 1 for each text of a file; an empty line has zeros."""
    from .vector_files import check_output, load_embedder, prompt_of, read_texts, write_vectors

    check_output(output)
    lines = read_texts(input, column)
    embedder = load_embedder(run)
    count = write_vectors(embedder, lines, output, prompt_of(embedder, role), shown=not quiet)
    print(f"{count:,} vectors written to {output}", file=sys.stderr)


def search(  # noqa: PLR0913 - the parameters of a command are its options
    run: Run,
    query: Annotated[str, typer.Argument(help="What to search for.")],
    corpus: Annotated[Path, typer.Option(help="One text per line, or JSON lines (.jsonl).")],
    top: Annotated[int, typer.Option(min=1, help="How many texts to show.")] = 5,
    column: Column = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    quiet: Quiet = False,
) -> None:
    """Show the texts of a file that are most similar to a query, by cosine; the file is encoded anew each time."""
    import json

    from taskzoo import RequestError
    from taskzoo.escapes import visible_cell, visible_json

    from .vector_files import load_embedder, nearest, read_texts

    if not query.strip():
        raise RequestError("The query is empty; give a text to search for.")
    lines = read_texts(corpus, column)
    for hit in nearest(load_embedder(run), query, lines, top, shown=not quiet):
        if as_json:
            found = {"line": hit.line, "cosine": round(hit.cosine, 6), "text": hit.text}
            print(visible_json(json.dumps(found, ensure_ascii=False)))
        else:
            print(f"{hit.cosine:.3f}  {hit.line:>6}  {visible_cell(' '.join(hit.text.split()))}")
