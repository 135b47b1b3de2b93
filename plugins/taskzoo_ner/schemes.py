"""Tag schemes: what is written in the data, turned into IOB2, the one scheme used everywhere else.

A tag is ``O`` (outside any entity) or a prefix, a hyphen and a type: ``B-PER``, ``I-creative-work``.

======  ==================================================================================================
IOB1    ``I-`` throughout; ``B-`` only where an entity directly follows another of the same type
        (Ramshaw & Marcus 1995; the CoNLL-2003 files as first published)
IOB2    every entity begins with ``B-`` and continues with ``I-`` (Ratnaparkhi 1998; also called BIO)
BIOES   ``B- I- E-``, and ``S-`` for an entity of one word. Also spelt BILOU, BIOUL, IOBES
        (``L`` = ``E``, ``U`` = ``S``) and BMES (``M`` = ``I``)
IO      ``I-`` only, so two neighbouring entities of one type are one
======  ==================================================================================================

Tags without types (``B``, ``I`` and ``O``) mean entities of one type, and types without prefixes are read on request
only: see :func:`name_types`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from taskzoo.errors import DataError, UnknownNameError
from taskzoo.option_names import setting_name

ONLY_TYPE = "ENTITY"
"""The type of entities whose tags name none."""

SCHEMES = ("IOB1", "IOB2", "BIOES", "IO")

_ALLOWED = {"IOB1": "BI", "IOB2": "BI", "BIOES": "BIESLUM", "IO": "I"}
_ALIASES = {"BIO": "IOB2", "IOB": "IOB1", "BILOU": "BIOES", "BIOUL": "BIOES", "IOBES": "BIOES", "BMES": "BIOES"}
_PREFIXES = _ALLOWED["BIOES"]
_MEANING = {"L": "E", "U": "S", "M": "I"}
_EXPECTED = "Expected O, or a prefix and a type such as B-PER and I-PER (schemes IOB1, IOB2, BIOES or BILOU, IO)."


def canonical_scheme(name: str) -> str:
    """``name`` as one of :data:`SCHEMES`; other spellings (BIO, BILOU, ...) and lower case are understood.

    Raises:
        UnknownNameError: no such scheme.
    """
    upper = name.upper()
    upper = _ALIASES.get(upper, upper)
    if upper not in SCHEMES:
        raise UnknownNameError("tag scheme", name, [*SCHEMES, *_ALIASES], f"Schemes: {', '.join(SCHEMES)}.")
    return upper


def _parse(tag: object) -> tuple[str, str] | None:
    """``(prefix, type)``, ``("O", "")`` for outside, ``None`` for anything else."""
    if not isinstance(tag, str):
        return None
    if tag == "O":
        return "O", ""
    if len(tag) > 2 and tag[0] in _PREFIXES and tag[1] == "-" and tag[2:].strip():
        return tag[0], tag[2:]
    return None


def split_tag(tag: str) -> tuple[str, str]:
    """``(prefix, type)`` as written; ``("O", "")`` for outside. The type may hold hyphens.

    Raises:
        DataError: a tag of no known scheme, with what was expected.
    """
    parsed = _parse(tag)
    if parsed is None:
        raise DataError(explain_unknown(tag))
    return parsed


def unknown_tags(tags: Iterable[object]) -> list[object]:
    """The distinct tags that belong to no known scheme, in order of appearance (see :func:`explain_unknown`)."""
    unknown: list[object] = []
    for tag in tags:
        if _parse(tag) is None and tag not in unknown:
            unknown.append(tag)
    return unknown


def explain_unknown(tag: object) -> str:
    """One or two sentences on why ``tag`` is not understood and what to write instead."""
    if not isinstance(tag, str):
        return f"Tag {tag!r} is not text ({type(tag).__name__}); replace class numbers by their names. {_EXPECTED}"
    if not tag.strip():
        return f"Empty tag. {_EXPECTED}"
    head, separator, rest = tag[:1], tag[1:2], tag[2:]
    start, hyphen, last = tag.rpartition("-")
    if tag.startswith(("(", "*")):
        hint = "these are the brackets of CoNLL-2012; convert (PER* and *) to B-PER, I-PER and O"
    elif tag in ("o", "0"):
        hint = "write the capital letter O for a word outside any entity"
    elif tag.upper() in _PREFIXES or (tag[:-1].upper() in _PREFIXES and tag.endswith("-")):
        hint = f"it names no type and other tags do; write for example {head.upper()}-{ONLY_TYPE}"
    elif head.upper() in _PREFIXES and separator in "_:/|-" and rest.strip():
        hint = f"write {head.upper()}-{rest}"
    elif hyphen and start and last in (*_PREFIXES, "O"):
        hint = f"the prefix comes first; write {last}-{start}"
    elif separator == "-":
        hint = f"its prefix {head}- is not known"
    else:
        words = f"write B-{tag} for the first word of an entity and I-{tag} for the others"
        hint = f"it has no prefix; {words}, or, if no tag has one, read neighbouring words as one with "
        hint += setting_name("scheme=IO")
    return f"Tag {tag!r} belongs to no known tag scheme: {hint}. {_EXPECTED}"


def name_types(sentences: Sequence[Sequence[Any]], scheme: str) -> list[list[Any]]:
    """The tags of a whole data set, each with a prefix and a type; what is not a tag stays.

    * Where tags are values with names, as in the last column of CoNLL-U (``Name=B-PER|SpaceAfter=No``, ``_``), the one
      name whose values are all tags has them; other words are outside.
    * Where every tag but ``O`` is a bare prefix (``B``, ``I``), all entities have the type :data:`ONLY_TYPE`.
    * Where no tag has a prefix (``O`` and ``PER``), neighbouring words of one type may be one entity or two. With a
      ``scheme`` of IO, which says that they are one, the types are given the prefix ``I-``.
    """
    sentences = _of_named_values(sentences)
    inside = {tag for tags in sentences for tag in tags if isinstance(tag, str) and tag != "O"}
    if inside and inside <= set(_PREFIXES):
        names = {tag: f"{tag}-{ONLY_TYPE}" for tag in inside}
    elif scheme == "IO" and not any(map(_parse, inside)):
        names = {tag: f"I-{tag}" for tag in inside if tag.strip()}
    else:
        return [list(tags) for tags in sentences]
    return [[names.get(tag, tag) if isinstance(tag, str) else tag for tag in tags] for tags in sentences]


def _of_named_values(sentences: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The tags among values with names (see :func:`name_types`); anything else as it is."""
    if not all(isinstance(tag, str) for tags in sentences for tag in tags):
        return sentences
    cells = {tag for tags in sentences for tag in tags}
    if not all("=" in cell or cell in ("_", "O") for cell in cells) or cells <= {"_", "O"}:
        return sentences
    values = {cell: dict(part.partition("=")[::2] for part in cell.split("|") if "=" in part) for cell in cells}
    names = {name for found in values.values() for name in found}
    tags_of = {name: {found[name] for found in values.values() if name in found} for name in names}
    of_tags = [name for name, found in tags_of.items() if all(map(_parse, found)) and found != {"O"}]
    if len(of_tags) != 1:
        return sentences
    return [[values[cell].get(of_tags[0], "O") for cell in tags] for tags in sentences]


def detect_scheme(sentences: Sequence[Sequence[str]]) -> str:
    """The scheme of a whole data set, by these rules in this order (the answer depends on nothing else).

    1. Any ``E- S- L- U- M-``: BIOES.
    2. Some ``I-X`` begins an entity (first word, or after ``O`` or another type), and every ``B-X`` directly follows
       a tag of the same type ``X``: IOB1. Data with ``I-`` and ``O`` alone falls here; read as IOB1 it means the same
       as IO.
    3. Otherwise IOB2; :func:`invalid_transitions` tells how well it fits.

    Raises:
        DataError: a tag of no known scheme.
    """
    begins_with_inside = needless_begin = False
    for tags in sentences:
        previous = ""  # type of the word before, "" for none
        for tag in tags:
            prefix, label = split_tag(tag)
            if prefix in "ESLUM":
                return "BIOES"
            begins_with_inside |= prefix == "I" and previous != label
            needless_begin |= prefix == "B" and previous != label
            previous = label
    return "IOB1" if begins_with_inside and not needless_begin else "IOB2"


def to_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """The same entities in IOB2, for one sentence.

    Valid tags keep exactly their entities. Of invalid ones (:func:`invalid_transitions`) nothing is dropped:

    * IOB2 is returned as it is, so an ``I-X`` that continues nothing stays one;
    * BIOES: an entity that is not closed ends before the next tag that cannot continue it; ``I-X`` or ``E-X`` right
      after a closed entity of type ``X`` becomes ``B-X``, and after anything else that it cannot continue ``I-X``.

    Raises:
        DataError: a tag that does not exist in ``scheme``.
        UnknownNameError: no such scheme.
    """
    scheme = canonical_scheme(scheme)
    result = []
    previous = ""  # type of the word before, "" for none
    closed = False  # the word before ended its entity for certain (E- or S-)
    for tag in tags:
        prefix, label = split_tag(tag)
        if prefix != "O" and prefix not in _ALLOWED[scheme]:
            raise DataError(f"Tag {tag!r} does not exist in the tag scheme {scheme}; choose another scheme or fix it.")
        prefix = _MEANING.get(prefix, prefix)
        if prefix == "O":
            result.append("O")
        elif scheme in ("IOB1", "IO"):
            result.append(f"{'I' if prefix == 'I' and previous == label else 'B'}-{label}")
        else:
            begins = prefix in "BS" or (closed and previous == label)
            result.append(f"{'B' if begins else 'I'}-{label}")
        previous, closed = label, prefix in "ES"
    return result


def invalid_transitions(tags: Sequence[str], scheme: str) -> list[int]:
    """Positions (0-based, ascending) in one sentence whose tag breaks the rules of ``scheme``.

    * any scheme: a prefix that the scheme does not have;
    * IOB1: ``B-X`` that does not directly follow a tag of type ``X``;
    * IOB2: ``I-X`` that does not directly follow ``B-X`` or ``I-X``;
    * BIOES: a tag that does not continue an open entity, or continues one that is not open. An entity left open
      at the end of the sentence is reported at the last word.

    Raises:
        DataError: a tag of no known scheme.
        UnknownNameError: no such scheme.
    """
    scheme = canonical_scheme(scheme)
    invalid = []
    previous = ""  # type of the word before, "" for none
    still_open = False  # BIOES: the word before was B- or I-
    for position, tag in enumerate(tags):
        written, label = split_tag(tag)
        prefix = _MEANING.get(written, written)
        if written != "O" and written not in _ALLOWED[scheme]:
            wrong = True
        elif scheme == "BIOES":
            continues = prefix in "IE" and previous == label
            wrong = not continues if still_open else prefix in "IE"
        else:
            wrong = prefix == {"IOB1": "B", "IOB2": "I", "IO": "B"}[scheme] and previous != label
        if wrong:
            invalid.append(position)
        previous, still_open = label, prefix in "BI"
    if scheme == "BIOES" and still_open and (not invalid or invalid[-1] != len(tags) - 1):
        invalid.append(len(tags) - 1)
    return invalid
