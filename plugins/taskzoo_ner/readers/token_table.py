"""Tables of words and tags: one token per record, as data sets on Kaggle are, or one sentence with lists in its cells.

Sentences are told by a column that numbers or names them (its cells may be empty but for the first token), otherwise by
empty lines or records. Without a header, lines of a word and its tag are read as CoNLL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from taskzoo.data.columns import Columns
from taskzoo.data.readers import GROUP, FileReader
from taskzoo.data.readers.conll import Conll
from taskzoo.data.readers.dialects import Record, csv_dialect, records
from taskzoo.data.readers.files import to_text
from taskzoo.types import Row

_INPUTS = {"word", "words", "token", "tokens", "text", "sentence"}
_TARGETS = {
    "tag",
    "tags",
    "label",
    "labels",
    "ner",
    "nertag",
    "nertags",
    "entities",
    "spans",
    "annotations",
    "wordlabels",
    "namedentities",
}
_SENTENCES = {"sentence", "sent", "sentenceid", "sentid", "sentenceidx", "sentenceno", "sentencenumber", "sentnum"}
_SENTENCES |= {"sentenceindex", "sentencenum", "sid", "docid", "doc", "document", "documentid", "textid", "id"}
_TAG = re.compile(r"O|[BIELSUM](-\S+)?")
_HEADLESS = re.compile(r'("[^"]*"|[^,;|\t]+)([,;|]).*?(O|[BIELSUM]-\S+)"?\r?')


class TokenTable(FileReader):
    """One row per sentence."""

    name = "table"
    roles = ("tokens", "tags")

    def matches(self, head: bytes) -> bool:
        text = head.decode("utf-8", "ignore").lstrip("\ufeff")
        first = next((line for line in text.splitlines() if line.strip()), "")
        if first[:1] in ("{", "[", "<"):
            return False
        names = {_plain(cell) for cell in re.split(r"[,;|\t]", first)}
        return bool(names & _INPUTS and names & _TARGETS) or _headless(first)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        text = to_text(data, columns.source)
        if _headless(next(line for line in text.split("\n") if line.strip())):
            return Conll().parse(data, columns)
        lines = text.split("\n")
        table = [record for record in records(text, csv_dialect(text, columns), columns) if record[1]]
        (line, header), body = table[0], table[1:]
        names = [name.strip() for name in header]
        where = columns.find(names, line=line)
        odd = [(number, cells) for number, cells in body if len(cells) != len(names)]
        body = [(number, cells) for number, cells in body if len(cells) == len(names)]
        separate = "tokens" not in where or not _token_per_record(body, where)
        for number, cells in odd:
            error = columns.error(f"{len(cells)} columns here and {len(names)} on line {line}.", number)
            if not separate:  # a sentence would lack a token
                raise error
            columns.leave_out(error)
        if separate:
            return _rows(body, where, columns)
        by = [i for i, name in enumerate(names) if _plain(name) in _SENTENCES and i not in where.values()]
        rows = []
        for sentence in _sentences(body, by[0] if by else None, lines):
            values: dict[str, str | list[str]]
            values = {role: [cells[index] for _, cells in sentence] for role, index in where.items() if role != GROUP}
            if GROUP in where:
                values[GROUP] = sentence[0][1][where[GROUP]]
            rows.append(columns.row(values, sentence[0][0]))
        if len(rows) == 1 and len(body) > 200 and not by:
            raise columns.error("nothing says where sentences end; add a column 'sentence_id' or empty lines.", line)
        return rows


def _rows(body: Sequence[Record], where: dict[str, int], columns: Columns) -> list[Row]:
    """A row for each record that is not empty."""
    rows = []
    for number, cells in body:
        with columns.leaving_out():
            rows += [columns.row({role: cells[i] for role, i in where.items()}, number)] if any(cells) else []
    return rows


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def _headless(line: str) -> bool:
    return _HEADLESS.fullmatch(line) is not None


def _token_per_record(body: Sequence[Record], where: dict[str, int]) -> bool:
    """Whether cells hold one word and one tag, and not several; of words alone, a bracket may be one."""
    told_by = [where["tags"]] if "tags" in where else [index for role, index in where.items() if role != GROUP]
    for _, cells in body:
        several = [cells[index].lstrip().startswith(("[", "{")) for index in told_by]
        tags = re.split(r"[\s,]+", cells[where["tags"]].strip()) if "tags" in where else []
        if any(several) or (len(tags) > 1 and all(map(_TAG.fullmatch, tags))):
            return False
    return True


def _sentences(body: Sequence[Record], by: int | None, lines: Sequence[str]) -> Iterator[list[Record]]:
    sentence: list[Record] = []
    name = None
    for number, cells in body:
        new = by is not None and cells[by].strip() not in ("", name)
        empty = not any(cell.strip() for cell in cells)
        gap = by is None and number > 1 and not lines[number - 2].strip()
        if sentence and (new or empty or gap):
            yield sentence
            sentence = []
        name = cells[by].strip() if new and by is not None else name
        if not empty:
            sentence.append((number, cells))
    if sentence:
        yield sentence
