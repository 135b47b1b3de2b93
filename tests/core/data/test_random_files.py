"""Whatever bytes a file holds, every reader gives rows or one short sentence, and soon."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from taskzoo.data.readers.detect import FILES
from taskzoo.errors import LONGEST, RequestError

from .kit import PAIR, TEXT, TOKENS, make_spec, read

SEEDS = {
    "csv": b'text,label\n"a, b",pos\nc,neg\n',
    "tsv": b'text\tlabel\n"a ""b"""\tpos\nc\tneg\n',
    "jsonl": b'{"text": "a", "label": "pos"}\n{"text": "b", "label": "neg"}\n',
    "json": b'{"data": [{"text": "a", "label": 1}, {"text": "b", "label": 2.5}]}',
    "conll": b"Ada\tB-PER\nleft\tO\n\nBo\tB-PER\n",
    "fasttext": b"__label__pos a b\n__label__neg c\n",
    "tmx": b'<?xml version="1.0"?><tmx><header srclang="en"/><body><tu><tuv xml:lang="en"><seg>Hi</seg></tuv>'
    b'<tuv xml:lang="de"><seg>Hallo</seg></tuv></tu></body></tmx>',
    "po": b'msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "Hi"\nmsgstr "Hallo"\n',
    "gz": b"\x1f\x8b\x08\x00",
    "zip": b"PK\x03\x04",
    "parquet": b"PAR1",
    "utf16": "text\tlabel\na\tb\n".encode("utf-16"),
    "": b"",
}
NAMES = ("a.csv", "a.tsv", "a.txt", "a.json", "a.jsonl", "a.conll", "a.tmx", "a.po", "a.xlf", "a.parquet", "a.gz", "a")
SPECS = (
    make_spec(TEXT, tuple(FILES)),
    make_spec(TOKENS, tuple(FILES)),
    make_spec(PAIR, tuple(FILES), (), languages=PAIR),
)
LANGUAGES = {"source": "en", "target": "de"}


def random_bytes(chance: random.Random) -> bytes:
    """Random bytes, or a good file with some bytes replaced, removed, repeated or added."""
    data = bytearray(SEEDS[chance.choice(list(SEEDS))])
    if not data or chance.random() < 0.2:
        return bytes(data) + chance.randbytes(chance.choice([0, 1, 10, 1000, 20_000]))
    for _ in range(chance.randint(0, 6)):
        at = chance.randrange(len(data) + 1)
        piece = chance.choice([chance.randbytes(3), b'"', b"\n", b"\t", b",", b"{", b"]", b"\\", b"\0", b"\r", b"\xff"])
        data[at : at + chance.randint(0, 4)] = piece * chance.choice([1, 1, 1, 2000])
    return bytes(data)


def try_files(folder: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(count):
        path = folder / chance.choice(NAMES)
        path.write_bytes(random_bytes(chance))
        for name in (None, chance.choice(list(FILES))):
            for spec in SPECS:
                began, said = time.process_time(), ""
                try:
                    read(path, spec, format=name, languages=LANGUAGES if spec.languages else {})
                except RequestError as error:
                    said = str(error)
                except Exception as error:
                    raise AssertionError((seed, number, name, path.read_bytes()[:200])) from error
                assert len(said) <= LONGEST, (seed, number, name)
                assert "\n" not in said, (seed, number, name)
                assert time.process_time() - began < 2, (seed, number, name)
        path.unlink()


def test_random_files(tmp_path: Path) -> None:
    try_files(tmp_path, 60, seed=1)


@pytest.mark.slow
def test_a_thousand_random_files(tmp_path: Path) -> None:
    try_files(tmp_path, 1000, seed=2)
