"""The python and bash blocks of README.md and docs/*.md, and the cells of notebooks in examples/, run as they stand.

Each page is one session: its blocks run in order in one folder, the python blocks share their names. What the folder
holds beforehand is in :func:`session`. A comment ``<!-- no-run: reason -->`` on the line before a block leaves it out
(installs, network, long runs). Blocks in other languages are not run.

Commands that start with ``zoo``, with ``< FILE`` behind them or without, run in this process, by the function that the
command calls, because importing torch for each would take minutes; all others run in bash. The catalogue is that of
``small_catalogue``: ``minilm`` is a tiny model, and a run ends after two steps. Of the demo sets a part is read.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.ipynb"))]
PAGES = [path for path in WRITTEN if path.is_file()]
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NO_RUN = re.compile(r"<!-- no-run: \S.*-->\s*$")
OPERATORS = re.compile(r"[|&;<>$`*]")
INPUT = re.compile(r" < (\S+)$")


@dataclass(frozen=True)
class Snippet:
    """One block that runs."""

    language: str
    code: str
    where: str  # file:line


def snippets(page: Path) -> list[Snippet]:
    """The blocks of a page that run, in order."""
    if page.suffix == ".ipynb":
        return list(cells(page))
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        before = text[: match.start()]
        if not NO_RUN.search(before):
            where = f"{page.relative_to(ROOT)}:{before.count(chr(10)) + 1}"
            found.append(Snippet(match[1], match[2], where))
    return found


def cells(notebook: Path) -> Iterator[Snippet]:
    """The code of a notebook, cell by cell."""
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"], start=1):
        if cell["cell_type"] == "code":
            yield Snippet("python", "".join(cell["source"]), f"{notebook.relative_to(ROOT)}, cell {number}")


@pytest.fixture(scope="module")
def demo_run(environment: None, small_rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of ``ner``."""
    import taskzoo

    folder = tmp_path_factory.mktemp("finished") / "demo"
    taskzoo.finetune("ner", train=small_rows, output=folder, max_steps=2)
    return folder


@pytest.fixture
def session(tmp_path: Path, demo_run: Path, small_rows, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: split files in CoNLL and JSON lines, ``texts.txt``, and the finished run ``runs/demo``."""
    from taskzoo import registry

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as a notebook's own folder is
    registry.refresh()
    rows = list(zip(*small_rows, strict=True))
    for split, part in (("train", rows), ("validation", rows[::5]), ("test", rows[::4])):
        blocks = ("".join(f"{w}\t{t}\n" for w, t in zip(words, tags, strict=True)) for words, tags in part)
        (tmp_path / f"{split}.conll").write_text("\n".join(blocks), encoding="utf-8")
        lines = (json.dumps({"tokens": words, "tags": tags}) + "\n" for words, tags in part)
        (tmp_path / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "texts.txt").write_text("Ada Lovelace lives in Paris .\nIt rained .\n", encoding="utf-8")
    shutil.copytree(demo_run, tmp_path / "runs" / "demo")
    return tmp_path


@pytest.fixture(scope="module", autouse=True)  # undone before other tests look anything up
def environment(small_catalogue: Path, small_demo_folder: Callable[..., Path]) -> Iterator[None]:
    """No network, the small catalogue, small demo sets, and probes that are not fitted to the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("ZOO_CONFIG_DIR", str(small_catalogue))
        patch.setattr("taskzoo.runs.data.demo_folder", small_demo_folder)
        patch.setattr("taskzoo.engine.ridge.ITERATIONS", 10)
        from taskzoo import registry

        registry.refresh()
        yield
    registry.refresh()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_snippet_of_the_page_runs(page: Path, session: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = snippets(page)
    if any("--output runs/demo" in snippet.code for snippet in found):  # the page makes it itself
        shutil.rmtree(session / "runs" / "demo")
    names: dict[str, object] = {"__name__": "snippet"}
    for snippet in found:
        if snippet.language == "python":
            exec(compile(snippet.code, snippet.where, "exec"), names)  # an exception shows the page and line
        else:
            run_commands(snippet, capfd)


def run_commands(snippet: Snippet, capfd: pytest.CaptureFixture[str]) -> None:
    """Run a bash block: simple ``zoo`` commands here, the rest between them in bash."""
    shell: list[str] = []
    for line in snippet.code.replace("\\\n", " ").splitlines():
        if line.startswith("zoo ") and not OPERATORS.search(INPUT.sub("", re.sub(r"'[^']*'|\"[^\"]*\"", "", line))):
            run_in_bash(shell, snippet)
            shell = []
            run_zoo(line, snippet, capfd)
        else:
            shell.append(line)
    run_in_bash(shell, snippet)


def run_zoo(line: str, snippet: Snippet, capfd: pytest.CaptureFixture[str]) -> None:
    from taskzoo.cli import main

    source = INPUT.search(line)
    with pytest.MonkeyPatch.context() as patch, open(source[1] if source else os.devnull) as stdin:
        patch.setattr(sys, "argv", shlex.split(INPUT.sub("", line), comments=True))
        patch.setattr(sys, "stdin", stdin)
        with pytest.raises(SystemExit) as stop:
            main()
    assert not stop.value.code, f"{snippet.where}: {line}\n{capfd.readouterr().err}"


def run_in_bash(lines: list[str], snippet: Snippet) -> None:
    script = "\n".join(lines)
    if not script.strip():
        return
    command = f'zoo() {{ {shlex.quote(sys.executable)} -m taskzoo "$@"; }}\n'  # the one under test, whatever PATH says
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command + script], capture_output=True, text=True)
    assert done.returncode == 0, f"{snippet.where}:\n{script}\n{done.stdout}{done.stderr}"


def test_a_page_is_read_as_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```bash\necho 1\n```\n\n<!-- no-run: needs the hub -->\n```bash\nexit 1\n```\n\n```text\nno\n```\n"
        "<!-- no-run: -->\n```python\n2\n```\n"
    )
    assert [(s.language, s.code, s.where) for s in snippets(page)] == [
        ("bash", "echo 1\n", "page.md:1"),
        ("python", "2\n", "page.md:14"),  # a reason is needed
    ]
