"""Write ``docs/contract.md`` from the code of the contract: ``python docs/generate_contract.py [--check]``.

Signatures, defaults and promises are those of the source, which is read and not run; the order of calls is that of
``contract_calls.py``, the examples are those of ``contract_examples.txt``, the end is ``contract_history.txt``.
``--check`` writes nothing and exits with 1 when the file is stale.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generated import write_or_check

from taskzoo.spec import CONTRACT_VERSION

DOCS = Path(__file__).resolve().parent
FILE = DOCS / "contract.md"
OPENING = f"""\
<!-- Written by docs/generate_contract.py; do not edit. -->

# The contract

What a plugin may rely on: every member of the classes that it subclasses, and every type that passes between it and the
engine. This is contract {CONTRACT_VERSION}; a `TaskSpec` says which one it was written for. [Plugins](plugins.md) is
the way in, with whole examples; this page is for looking things up. Classes without a module are in `taskzoo` itself.

| part | classes |
|---|---|
"""
PARTS = {
    "What a task does": "task: Objective Task",
    "What a plugin registers": "spec: TaskSpec Column Option Extension",
    "What passes between task and engine": "types: Row Example Feature Encoded Batch Loss SavedModel",
    "Scores": "types: Metric Score; metrics.base: CorpusMetric",
    "Tasks that are nearly done": "heads.text_task: TextTask; seq2seq.seq2seq_task: Seq2SeqTask",
    "What `zoo explain` asks": "evidence: Evidence Claim Question Word",
    "What trackers see of a run": "callbacks: Callback RunFacts",
    "What `--method` names": "methods.base: Method",
    "What `--format` names": "data.readers.base: Reader FileReader; data.columns: ReadRequest",
}
"""Part of the page -> its classes by their modules."""

HOOKS = """\
## Hooks

Functions of the module that the entry point in the group `taskzoo` names, at least one, marked with `taskzoo.hookimpl`.
The module is imported whenever `zoo` looks for plugins, and must be cheap.

| hook | for |
|---|---|
"""
SHORT = ("task", "spec", "types", "callbacks")
"""Modules whose classes are imported from ``taskzoo`` itself."""


@dataclass(frozen=True)
class Member:
    """One method, property or attribute of a class, as it stands in the source."""

    name: str
    shown: str  # its signature, or its name with its type
    text: str  # its docstring
    abstract: bool = False
    default: str = ""
    kind: str = ""  # of an attribute


def classes() -> Iterator[tuple[str, str, ast.ClassDef]]:
    """Part, module and definition of each class, in the order of the page."""
    for part, places in PARTS.items():
        for place in places.split("; "):
            module, names = place.split(": ")
            found = {node.name: node for node in tree_of(module).body if isinstance(node, ast.ClassDef)}
            for name in names.split():
                yield part, module, found[name]


def tree_of(module: str) -> ast.Module:
    """The source of a module of ``taskzoo``, parsed."""
    spec = importlib.util.find_spec(f"taskzoo.{module}")
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def is_data(node: ast.ClassDef) -> bool:
    """Whether a class is one of plain fields."""
    marks = [ast.unparse(mark) for mark in (*node.decorator_list, *node.bases)]
    return any(mark.startswith(("dataclass", "NamedTuple")) for mark in marks)


def members(node: ast.ClassDef) -> Iterator[Member]:
    """What the class declares for others to read, call or override, in the order of its source."""
    for item, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
            marks = {ast.unparse(mark) for mark in item.decorator_list}
            returns = ast.unparse(item.returns) if item.returns else "None"
            arguments = re.sub(r"^(self|cls)(, )?", "", ast.unparse(item.args))
            called = f"{item.name}({arguments}) -> {returns}"
            shown = f"{item.name}: {returns}" if "property" in marks else called
            yield Member(item.name, shown, ast.get_docstring(item) or "", "abstractmethod" in marks)
        elif isinstance(item, ast.AnnAssign) and not ast.unparse(item.target).startswith("_"):
            said = after.value if isinstance(after, ast.Expr) else None
            text = said.value if isinstance(said, ast.Constant) and isinstance(said.value, str) else ""
            kind = re.sub(r"^ClassVar\[(.*)\]$", r"\1", ast.unparse(item.annotation))
            default = re.sub(
                r"^field\(default_factory=(\w+)\)$", r"\1()", ast.unparse(item.value) if item.value else ""
            )
            name = ast.unparse(item.target)
            yield Member(name, f"{name}: {kind}", text, False, default, kind)


def markdown(text: str, facts: Mapping[str, str] | None = None) -> str:
    """A docstring as Markdown: roles as code, sections as lists; ``facts`` stand behind the names in these."""
    text = re.sub(r":\w+:`~(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")
    lines: list[str] = []
    section = ""
    for line in inspect.cleandoc(text).splitlines():
        if re.fullmatch(r"(Args|Returns|Raises|Attributes):", line):
            section = line
            lines += ["", {"Args:": "Arguments:", "Raises:": "Errors:"}.get(section, line), ""]
        elif section and (item := re.fullmatch(r"    (\w+): (.*)", line)):
            lines.append(f"* `{item[1]}`{(facts or {}).get(item[1], '')}: {item[2]}")
        elif section and line.startswith("    "):
            lines.append(f"{'' if lines[-1] else '* '}{line.strip()}" if lines[-1] == "" else f"  {line.strip()}")
        else:
            section = section if not line else ""
            lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def calls() -> Any:
    """The module ``contract_calls.py``."""
    spec = importlib.util.spec_from_file_location("contract_calls", DOCS / "contract_calls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def when(member: Member) -> str:
    """In which places of a run, of loading and so on the engine calls a member of a task."""
    known = calls()
    order = [name for stage in known.RUN.values() for name in stage]
    told = [f"as number {order.index(member.name) + 1} of {len(order)} in a run"] if member.name in order else []
    done = (("loading", known.LOAD), ("predicting", known.PREDICT), ("scoring", known.EVALUATE))
    told += [f"when {what}" for what, names in done if member.name in names]
    told += [f"when {known.ELSEWHERE[member.name][0]}"] if member.name in known.ELSEWHERE else []
    return f"Called {', '.join(told)}." if told else ""


def order_of_calls(anchors: Mapping[str, str]) -> str:
    """The stages of a run, and of what is done with a finished one, with their members."""
    known = calls()

    def links(names: tuple[str, ...]) -> str:
        return ", ".join(f"[`{name}`](#{anchors[name]})" if name in anchors else f"`{name}(options)`" for name in names)

    stages = "".join(f"| {stage} | {links(names)} |\n" for stage, names in known.RUN.items())
    done = {"it is loaded": known.LOAD, "it predicts": known.PREDICT, "it is scored on labelled rows": known.EVALUATE}
    finished = "".join(f"| {what} | {links(names)} |\n" for what, names in done.items())
    return f"""\
### In which order

One object is made per run, with all options resolved (`self.options`). These are the first calls in a run with
`--method full`; most members are called again, `prepare` and `encode` once for each split, `forward` and `loss` at each
step. Two training rows go the whole way to JSON before training starts, so most errors appear before anything is
written.

| stage of a run | first calls |
|---|---|
{stages}
| a finished run | calls |
|---|---|
{finished}
Members that are in neither table are called where their descriptions say. What they raise that is no `TaskZooError` is
told with the task, its distribution and the member.
"""


def section(module: str, node: ast.ClassDef, examples: dict[str, str], taken: set[str]) -> Iterator[str]:
    """The parts of the section of one class; ``taken`` are the members that another section describes."""
    title, own = node.name, [member for member in members(node) if member.name not in taken]
    yield f"## {title}\n"
    bases = [ast.unparse(base) for base in node.bases if ast.unparse(base) not in ("ABC", "NamedTuple")]
    where = "" if module in SHORT and title not in ("Objective", "SavedModel", "RunFacts") else f"`taskzoo.{module}`"
    of = f"A subclass of {', '.join(f'`{base}`' for base in bases)}." if bases else ""
    yield " ".join(filter(None, [f"In {where}." if where else "", of])) + "\n"
    facts = {
        member.name: f" (`{member.kind}`{f', default `{member.default}`' if member.default else ''})"
        for member in own
        if member.kind
    }
    said = markdown(ast.get_docstring(node) or "", facts)
    yield said + "\n"
    yield example(examples, title)
    if title == "Task":
        yield order_of_calls(
            {member.name: f"task{member.name}" for member in own}
            | {name: f"objective{name}" for name in ("forward", "loss")}
        )
    for member in own:
        if not member.text and (is_data(node) or f"* `{member.name}` (" in said):
            continue
        yield f"### {title}.{member.name}\n"
        notes = ["**Must be written.**"] if member.abstract else []
        notes += [f"Default: `{member.default}`."] if member.default else []
        notes += [when(member)] if title in ("Task", "Objective") else []
        yield f"`{member.shown}`\n"
        yield " ".join(filter(None, notes)) + "\n"
        yield markdown(member.text) + "\n"
        yield example(examples, f"{title}.{member.name}")


def example(examples: dict[str, str], name: str) -> str:
    """The example of a class or member as a block, taken out of ``examples``; empty where there is none."""
    return f"```python\n{examples.pop(name)}\n```\n" if name in examples else "\n"


def hooks() -> str:
    """The hooks, each with its docstring."""
    found = [node for node in tree_of("registry.hookspecs").body if isinstance(node, ast.FunctionDef)]
    return HOOKS + "".join(
        f"| `{node.name}({node.args.args[0].arg})` | {markdown(ast.get_docstring(node) or '')} |\n" for node in found
    )


def aliases() -> str:
    """The names that :mod:`taskzoo.types` gives to other types and to numbers."""
    body = tree_of("types").body
    rows = []
    for item, after in zip(body, [*body[1:], None], strict=True):
        said = after.value if isinstance(after, ast.Expr) else None
        if isinstance(item, ast.Assign) and isinstance(said, ast.Constant) and isinstance(said.value, str):
            text = markdown(said.value).replace("\n", " ")
            rows.append(f"| `{ast.unparse(item.targets[0])}` | `{ast.unparse(item.value)}` | {text} |\n")
    return "## Other names\n\n`taskzoo.types`\n\n| name | is | for |\n|---|---|---|\n" + "".join(rows)


def reference() -> str:
    """The whole page."""
    examples = split_examples()
    found = list(classes())
    listed: dict[str, list[str]] = {}
    for part, _, node in found:
        listed.setdefault(part, []).append(f"[`{node.name}`](#{node.name.lower()})")
    rows = "".join(f"| {part} | {', '.join(names)} |\n" for part, names in listed.items())
    rows += "| How a plugin is found | [hooks](#hooks) |\n| What changed, and why | [history](#history) |\n"
    parts = [OPENING + rows]
    of_a_task = {member.name for _, module, node in found if module == "task" for member in members(node)}
    for _, module, node in found:
        parts += section(module, node, examples, of_a_task if node.name in ("TextTask", "Seq2SeqTask") else set())
        if node.name == "SavedModel":
            parts.append(aliases())
    if examples:
        raise SystemExit(f"contract_examples.txt: there is no {', '.join(examples)}")
    parts += [hooks(), (DOCS / "contract_history.txt").read_text(encoding="utf-8")]
    return re.sub(r"\n{3,}(?!class |def |@)", "\n\n", "\n".join(parts))  # but for what Python wants two lines before


def split_examples() -> dict[str, str]:
    """The parts of ``contract_examples.txt`` by what they are of; each begins with a line ``# %% NAME``."""
    parts = re.split(r"^# %% (\S+)\n", (DOCS / "contract_examples.txt").read_text(encoding="utf-8"), flags=re.M)
    return {name: code.strip() for name, code in zip(parts[1::2], parts[2::2], strict=True)}


def main() -> int:
    """Write or check; the exit code."""
    return write_or_check(FILE, reference, "generate_contract.py", __doc__)


if __name__ == "__main__":
    sys.exit(main())
