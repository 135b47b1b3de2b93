"""The demo data of the NER plugin are what their generator writes."""

from __future__ import annotations

import pytest
from tools.demo.ner import generate

from taskzoo.data.readers import find_splits


def test_the_generator_writes_the_files_byte_for_byte() -> None:
    written = generate.files()
    assert set(written) == set(generate.DATA.glob("*.conll"))
    for path, content in written.items():
        assert path.read_bytes() == content, path


def test_the_reader_finds_the_splits_among_the_other_files() -> None:
    assert set(find_splits(generate.DATA, ("tokens", "tags"))) == set(generate.SIZES)


@pytest.mark.parametrize("breach", ["share names", "share contexts", "repeated sentences", "not 200", "unknown tag"])
def test_check_refuses_leaks(breach: str) -> None:
    data = {split: list(sentences) for split, sentences in generate.generate().items()}
    lists, _ = generate.read_names(generate.SOURCES / "names.txt")
    first = next(sentence for sentence in data["train"] if generate.entities(sentence))
    data["test"][0] = {
        "share names": [("Here", "O"), *((word, tag) for word, tag in first if tag != "O"), ("is", "O"), (".", "O")],
        "share contexts": [(word, tag) if tag == "O" else ("Xyzzy", tag) for word, tag in first],
        "repeated sentences": data["test"][1],
        "not 200": data["test"][0],
        "unknown tag": [(word, "B-X") for word, _ in data["test"][0]],
    }[breach]
    if breach == "not 200":
        del data["test"][0]
    with pytest.raises(ValueError, match=breach):
        generate.check_data(data, lists)
