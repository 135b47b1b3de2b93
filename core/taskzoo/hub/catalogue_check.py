"""The catalogue compared with the hub: what has changed there since its facts were written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskzoo.registry import DatasetEntry, ModelEntry

REQUESTS = 4
"""Entries that are asked for at once."""

SECONDS = 20.0
"""How long one answer is waited for."""

TOLERANCE = 0.1
"""Share by which parameters may differ: they may be rounded, and the files on the hub may have a head."""

_POSITIONS = ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings")
_WITHOUT_LIMIT = {"t5", "mt5", "umt5", "longt5"}
"""Families whose number of positions is no limit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that the hub tells otherwise, or that it has and the catalogue has not (``catalogue`` is ``None``)."""

    name: str
    fact: str
    catalogue: str | None
    hub: str


@dataclass(frozen=True, slots=True)
class HubFacts:
    """What the hub says of an entry; ``None`` where it says nothing.

    Args:
        license: its tag.
        gated: whether its terms must be agreed to.
        files: the names of all files.
        parameters: as its safetensors files count them.
        config: its config.json.
    """

    license: str | None
    gated: bool
    files: frozenset[str]
    parameters: int | None = None
    config: dict[str, Any] = field(default_factory=dict)


class Hub:
    """The hub that ``HF_ENDPOINT`` names. Its methods raise what ``huggingface_hub`` does."""

    def __init__(self) -> None:
        from huggingface_hub import HfApi, constants

        self._api = HfApi(endpoint=constants.ENDPOINT)

    def model(self, repo: str, revision: str | None) -> HubFacts:
        """What is known of a model; its configuration is empty where it cannot be read without a login."""
        info = self._api.model_info(repo, revision=revision, timeout=SECONDS)
        files = _files(info)
        config = self._config(repo, revision) if "config.json" in files else {}
        parameters = info.safetensors.total if info.safetensors else None
        return HubFacts(_license(info), bool(info.gated), files, parameters, config)

    def data_set(self, repo: str, revision: str | None) -> HubFacts:
        """What is known of a data set."""
        info = self._api.dataset_info(repo, revision=revision, timeout=SECONDS)
        return HubFacts(_license(info), bool(info.gated), _files(info))

    def _config(self, repo: str, revision: str | None) -> dict[str, Any]:
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        url = hf_hub_url(repo, "config.json", revision=revision, endpoint=self._api.endpoint)
        answer = get_session().get(url, headers=build_hf_headers(), timeout=SECONDS, follow_redirects=True)
        if answer.status_code in (401, 403):
            return {}
        answer.raise_for_status()
        found = answer.json()
        return found if isinstance(found, dict) else {}


def check_entries(entries: Sequence[ModelEntry | DatasetEntry]) -> Iterator[tuple[str, list[Finding] | str]]:
    """Ask the hub for every entry that lies there, a few at once.

    Yields the name of each, in order, with what differs, or with the reason why the hub did not answer.
    """
    hub = Hub()
    asked = [entry for entry in entries if entry.hub]

    def ask(entry: ModelEntry | DatasetEntry) -> list[Finding] | str:
        try:
            return _check(entry, hub)
        except Exception as error:  # whatever the client raises for an answer that is none
            return " ".join(str(error).split())[:200] or type(error).__name__

    with ThreadPoolExecutor(REQUESTS) as pool:
        yield from zip((entry.name for entry in asked), pool.map(ask, asked), strict=True)


def _check(entry: ModelEntry | DatasetEntry, hub: Hub) -> list[Finding]:
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    from taskzoo.registry import ModelEntry

    ask = hub.model if isinstance(entry, ModelEntry) else hub.data_set
    try:
        facts = ask(str(entry.hub), entry.revision)
    except RepositoryNotFoundError:
        return [Finding(entry.name, "hub", entry.hub, "not found, or private")]
    except RevisionNotFoundError:
        return [Finding(entry.name, "revision", entry.revision, "not found")]
    found = [
        Finding(entry.name, "gated", _word(entry.gated), _word(facts.gated)),
        Finding(entry.name, "license", entry.license, facts.license or ""),
    ]
    found += _of_model(entry, facts) if isinstance(entry, ModelEntry) else _of_data_set(entry, facts)
    return [one for one in found if one.hub and one.catalogue != one.hub]


def _of_model(entry: ModelEntry, facts: HubFacts) -> Iterator[Finding]:
    """Family, size and length, as far as the hub says them and they do not agree."""
    yield Finding(entry.name, "family", entry.family, str(facts.config.get("model_type") or ""))
    here, there = entry.parameters, facts.parameters
    if there and (here is None or abs(here - there) > TOLERANCE * there):
        yield Finding(entry.name, "parameters", _text(here), str(there))
    positions = next((n for key in _POSITIONS if isinstance(n := facts.config.get(key), int) and n > 0), None)
    if positions is None or facts.config.get("model_type") in _WITHOUT_LIMIT:
        return
    before = facts.config.get("pad_token_id")  # in RoBERTa and its kin, tokens begin after the row for padding
    possible = {positions, positions - before - 1} if isinstance(before, int) else {positions}
    if entry.context_length not in possible:
        yield Finding(entry.name, "context_length", _text(entry.context_length), str(positions))


def _of_data_set(entry: DatasetEntry, facts: HubFacts) -> Iterator[Finding]:
    """Whether its files can be read: they are no script, and on the branch of exports there is its folder."""
    from taskzoo.data.hub import PARQUET_EXPORT

    script = f"{str(entry.hub).rpartition('/')[2]}.py"
    if script in facts.files:
        yield Finding(entry.name, "files", "data", f"{script}, a script, which cannot be read")
    if entry.revision == PARQUET_EXPORT and entry.config:
        folders = sorted({name.partition("/")[0] for name in facts.files if "/" in name})
        if entry.config not in folders:
            yield Finding(entry.name, "config", entry.config, ", ".join(folders) or "no folder")


def _license(info: Any) -> str | None:
    tags = (tag.partition(":") for tag in info.tags or ())
    return next((value for kind, _, value in tags if kind == "license"), None)


def _files(info: Any) -> frozenset[str]:
    return frozenset(sibling.rfilename for sibling in info.siblings or ())


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
