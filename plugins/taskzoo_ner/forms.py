"""The forms in which rows come: words with tags, or a text with spans, whatever a tool calls the parts of them.

Columns are found by name (:mod:`taskzoo.data.columns`); what they hold is told here by its shape, because tools give
one name to several things: ``labels`` are tags in one file and spans in another, ``tokens`` are strings or objects.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from taskzoo.errors import DataError, shown
from taskzoo.option_names import option_name
from taskzoo.types import Row

_START = ("start", "start_offset", "startOffset", "begin", "beginOffset", "start_char", "char_start", "start_idx")
_END = ("end", "end_offset", "endOffset", "endOffset", "end_char", "char_end", "end_idx", "stop")
_BOTH = ("offsets", "span", "indices", "position")
_LABEL = ("label", "labels", "type", "entity_group", "entity", "entity_type", "tag", "category", "class")
_TEXT = ("text", "mention", "surface", "surface_form")
_PERHAPS_TEXT = (
    *("entity", "word", "entity_text", "mention_text", "span_text", "covered_text"),
    *("span", "string", "phrase", "value", "name"),
)
"""Also names of other things, such as ids or types: the text of the span only where the row's text holds it."""
_TAG = ("tag", "ner_tag", "ner", "label")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


class Words(NamedTuple):
    """Words with one tag each; ``tags`` are ``None`` for a row without labels."""

    tokens: list[str]
    tags: list[Any] | None


class RawSpan(NamedTuple):
    """A span as written: its offsets, its label, and the text that it claims to cover, if it says so."""

    start: int
    end: int
    label: str
    text: str | None = None


class Marked(NamedTuple):
    """A text with spans; ``spans`` are ``None`` for a row without labels."""

    text: str
    spans: list[RawSpan] | None


def read_form(row: Row, *, labelled: bool) -> Words | Marked:
    """What a row holds.

    Raises:
        DataError: neither words nor a text, or parts that do not belong together.
    """
    tokens, text = _listed(row.get("tokens")), row.get("text")
    tags, spans = (_listed(row.get(role)) if labelled else None for role in ("tags", "spans"))
    if tags is not None and spans is None and _are_spans(tags):
        tags, spans = None, tags
    if isinstance(tokens, str) and text is None:
        tokens, text = None, tokens
    if tokens is None and _are_words(listed := _listed(text)):
        tokens, text = listed, None
    if _are_objects(tokens):
        if text is None or (labelled and spans is None):
            tokens, tags = _of_objects(tokens, tags, labelled)
        else:
            tokens = None
    if tokens is not None and (text is None or spans is None or tags is not None):
        return _words(row, tokens, tags, spans, labelled)
    if text is None:
        raise error(row, f"a row needs 'tokens' or 'text'{_otherwise('tokens')}.")
    if not isinstance(text, str):
        raise error(row, f"the text {shown(text)} is not a string.")
    if not labelled:
        return Marked(text, None)
    if not text.strip():
        raise error(row, "the text is empty.")
    if spans is None and tags is None:
        message = "the row has a text but no 'spans' (an empty list if it holds no entity)"
        raise error(row, f"{message}{_otherwise('spans')}.")
    if spans is None and tags:
        return Words(*_split_words(row, text, tags))
    return Marked(text, [span for item in _items(row, spans or []) for span in _spans(row, text, item)])


def _otherwise(role: str) -> str:
    """What to do if there is such a column by another name."""
    return f"; if its column has another name, give {option_name('columns', {role: 'NAME'})}"


def error(row: Row, message: str) -> DataError:
    """An error at the row's place."""
    return DataError(message, file=row.source, line=row.line)


# shapes


def _listed(value: Any) -> Any:
    """A list that a cell of a table holds as text - JSON, or as Python or NumPy print it; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")) or value.strip()[-1] not in "]}":
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, (list, dict)) and not _is_numpy(found, value):
            return found
    words = [single or double for single, double in _QUOTED.findall(value)]
    return words if words and not re.sub(r"[\[\]\s]", "", _QUOTED.sub("", value)) else value


def _is_numpy(found: Any, value: str) -> bool:
    """Whether strings without commas were read as one: ``['a' 'b']``."""
    return isinstance(found, list) and len(found) == 1 and len(_QUOTED.findall(value)) > 1 and "," not in value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _are_words(value: Any) -> bool:
    return _is_list(value) and bool(value) and all(isinstance(item, str) for item in value)


def _are_objects(value: Any) -> bool:
    return _is_list(value) and bool(value) and all(isinstance(item, Mapping) and "text" in item for item in value)


def _are_spans(value: Any) -> bool:
    return isinstance(value, Mapping) or (_is_list(value) and any(isinstance(v, Mapping) or _is_list(v) for v in value))


# words


def _words(row: Row, tokens: Any, tags: Any, spans: Any, labelled: bool) -> Words:
    if isinstance(tokens, str) and (tags is None or _is_list(tags) or isinstance(tags, str)):
        tokens, tags = _split_words(row, tokens, tags) if labelled and tags is not None else (tokens.split(), None)
    if not _is_list(tokens) or not all(isinstance(token, str) for token in tokens):
        raise error(row, "'tokens' must be a list of words.")
    if not tokens:
        raise error(row, "the row has no tokens.")
    if any(not token for token in tokens):
        raise error(row, f"token {list(tokens).index('') + 1} is empty.")
    if not labelled:
        return Words(list(tokens), None)
    if tags is None and spans is not None:
        what = "the row has tokens and spans but no text, so what the spans count is not known"
        raise error(row, f"{what}; give one tag per token, or the text.")
    if tags is None:
        message = "the row has tokens but no 'tags'; labelled data needs a second column or field"
        raise error(row, f"{message}{_otherwise('tags')}.")
    if isinstance(tags, str) and len(_divided(tags)) == len(tokens) > 1:
        tags = _divided(tags)
    if not _is_list(tags):
        raise error(row, "'tags' must be a list with one tag per token.")
    if len(tags) != len(tokens):
        raise error(row, f"{len(tokens)} tokens but {len(tags)} tags.")
    return Words(list(tokens), list(tags))


def _split_words(row: Row, text: str, tags: Any) -> tuple[list[str], list[Any]]:
    """The words of a text, separated by spaces or one per character, as many as there are tags."""
    tags = _divided(tags) if isinstance(tags, str) else list(tags)
    words = text.split()
    if len(words) != len(tags) == len(text):
        words = list(text)
    if len(words) != len(tags):
        raise error(row, f"the text has {len(words)} words, separated by spaces, but there are {len(tags)} tags.")
    return words, tags


def _divided(tags: str) -> list[str]:
    """The tags of a cell, separated by spaces or commas."""
    return re.split(r"\s*,\s*|\s+", tags.strip())


def _of_objects(tokens: Any, tags: Any, labelled: bool) -> tuple[list[str], Any]:
    """Words and tags of token objects; their own tags where there are no others."""
    if labelled and tags is None:
        name = next((name for name in _TAG if all(name in token for token in tokens)), None)
        tags = [token[name] for token in tokens] if name else None
    return [token["text"] for token in tokens], tags


# spans


def _items(row: Row, spans: Any) -> Iterator[Any]:
    """The spans of a list; those of objects that map types to mentions to offsets are brought to the same form."""
    if isinstance(spans, Mapping) and _is_list(spans.get("entities")):
        spans = spans["entities"]
    if isinstance(spans, Mapping):
        for label, mentions in spans.items():
            if not isinstance(mentions, Mapping) or not all(_is_list(places) for places in mentions.values()):
                raise error(row, f"the spans of {shown(label)} have no offsets; write {{start, end, label}} for each.")
            for mention, places in mentions.items():
                for place in places if all(map(_is_list, places)) else [places]:
                    yield {"span": place, "label": label, "text": mention}
    elif _is_list(spans):
        yield from spans
    else:
        raise error(row, "'spans' must be a list.")


def _spans(row: Row, text: str, item: Any) -> Iterator[RawSpan]:
    if isinstance(item, Mapping):
        inner = item.get("value")
        item = inner if isinstance(inner, Mapping) else item
        points = item.get("points")
        for point in points if _is_list(points) and points else [{}]:
            if not isinstance(point, Mapping):
                raise error(row, f"the point {shown(point)} of a span is not {{start, end}}.")
            yield _of_mapping(row, text, {**item, **point})
    elif _is_list(item) and len(item) in (3, 4):
        numbers = [value for value in item if not isinstance(value, str)]
        texts = [value for value in item if isinstance(value, str)]
        offsets, texts = (numbers, texts) if len(numbers) == 2 else (list(item[:2]), list(item[2:]))
        yield _checked(row, item, (*offsets, texts[0]), texts[1] if len(texts) > 1 else None)
    else:
        raise error(row, f"the span {shown(item)} is not {{start, end, label}} or [start, end, label].")


def _of_mapping(row: Row, text: str, item: Mapping[str, Any]) -> RawSpan:
    start, end, both = (_first(item, names) for names in (_START, _END, _BOTH))
    if both is not None and start is None and _is_list(both):
        both = both[0] if len(both) == 1 and _is_list(both[0]) else both
        start, end = both if len(both) == 2 else (None, None)
    if start is None and "offset" in item and "length" in item:
        start, length = item["offset"], item["length"]
        end = start + length if isinstance(start, int | float) and isinstance(length, int | float) else None
    label = _label_name(text, item)
    mention = _only(_first(item, _TEXT))
    if mention is None:
        likely = [_only(item[name]) for name in _PERHAPS_TEXT if name in item and name != label]
        mention = next((one for one in likely if isinstance(one, str) and _holds(text, one)), None)
    found = _only(item[label]) if label else None
    return _checked(row, item, (start, end, found), mention if isinstance(mention, str) else None)


def _label_name(text: str, item: Mapping[str, Any]) -> str | None:
    """Which of the names has the label: ``entity`` is passed over where it has the span's text and another has one."""
    names = [name for name in _LABEL if item.get(name) is not None]
    if names[:1] == ["entity"] and len(names) > 1 and _holds(text, item["entity"]):
        del names[0]
    return names[0] if names else None


def _holds(text: str, mention: Any) -> bool:
    """Whether a text has these words, spaces and case aside, and however its accents are encoded."""
    if not isinstance(mention, str) or not mention.strip():
        return False
    return mention in text or plain(mention) in plain(text)


def plain(text: str) -> str:
    """A text without whitespace and case, in composed characters, for comparison."""
    return "".join(unicodedata.normalize("NFC", text).casefold().split())


def _only(value: Any) -> Any:
    """The item of a list of one, and any other value as it is."""
    return value[0] if _is_list(value) and len(value) == 1 else value


def _first(item: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _checked(row: Row, item: Any, parts: tuple[Any, Any, Any], text: str | None) -> RawSpan:
    start, end = (int(v) if isinstance(v, float) and v.is_integer() else v for v in parts[:2])
    label = parts[2]
    if _is_list(label) and len(label) > 1:
        raise error(row, f"the span {shown(item)} has {len(label)} labels; this task finds one type for each entity.")
    if type(label) is int:
        raise error(row, f"the span {shown(item)} has the number {label} for a label; export it with label names.")
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label.strip():
        raise error(row, f"the span {shown(item)} needs whole numbers start and end and a label.")
    return RawSpan(start, end, label.strip(), text)
