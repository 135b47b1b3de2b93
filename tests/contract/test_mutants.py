"""Every check finds its broken plugins, and no other check does; docs/checks.md says what was found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.contract import mutants as broken
from tests.contract.mutants import MUTANTS, Mutant
from tests.contract.mutation import FILE, Verdict, judge, line, mutant_bench, opening, page, verdicts
from tests.contract.whole_task import WholeEvidence, WholeTask

import taskzoo
from taskzoo.errors import RequestError
from taskzoo.testing.checks import CHECKS, run_checks

BY_NAME = {check.name: check for check in CHECKS}
ALL = [(check, mutant) for check, mutants in MUTANTS.items() for mutant in mutants]
QUICK = [
    *(broken.OptionWithoutHelp, broken.RenamedParameters, broken.KeyIsNumber, broken.ChangesRows, broken.ReferencesCut),
    *(broken.CountsHeldOutRows, broken.LabelsOfAllSplits, broken.LearnsWhileEncoding, broken.RowWithoutFeatures),
    *(broken.LabelsInOrderOfRows, broken.CutSilently, broken.NeverCut, broken.PromptInCollator, broken.MeanLoss),
    *(broken.LossIsNan, broken.SmoothsAlways, broken.ReportsSmoothed, broken.WeighsToNothing),
    *(broken.PackLosesRows, broken.PackCutsRows, broken.PackedAtRandom),
    *(broken.PartWithoutGradient, broken.NotJson, broken.KeyWithoutInput, broken.ClassesAreText),
]
"""Those that are found before a model is trained."""

AFTER_A_RUN = [
    *(broken.SeesPadding, broken.ComparesNeighbours, broken.ExtendsTwice, broken.MixesRows, broken.WrongOffsets),
    *(broken.EncodesTheLabel, broken.LabelsOfASet),
    broken.KnowsWhatOthersLearnt,
    *(
        broken.GradientsWithoutPlaces,
        broken.IgnoresWeights,
        broken.UndeclaredScore,
        broken.ScoreOutOfRange,
        broken.AsksTheNetwork,
    ),
]
"""Those that are found in a finished run of a right task as well, if its task is exchanged for them."""

FAST_AFTER = (("state",), ("metrics",))

BEFORE = [
    check for check in CHECKS[: [check.name for check in CHECKS].index("gradients") + 1] if check.name != "import"
]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what all mutants have in common."""
    return tmp_path_factory.mktemp("mutants")


def test_every_check_has_a_mutant() -> None:
    assert set(MUTANTS) == set(BY_NAME)
    names = [mutant.__name__ for _, mutant in ALL]
    assert len(names) == len(set(names)) > 50


@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: mutant.__name__)
def test_a_mutant_is_found_before_training(mutant: Mutant, shared: Path, tmp_path: Path) -> None:
    (expected,) = (check for check, found in ALL if found is mutant)
    chosen = [check for check in BEFORE if check.name == expected or expected not in check.after]
    if expected == "run":
        chosen = [BY_NAME["run"]]
    verdict = judge(mutant, tmp_path, shared, chosen)
    assert verdict.failed == (expected,), verdict.reasons


@pytest.fixture(scope="module")
def finished(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the task without a fault."""
    return Path(mutant_bench(WholeTask, tmp_path_factory.mktemp("whole"), shared).run.path)


@pytest.mark.parametrize("mutant", [WholeTask, *AFTER_A_RUN], ids=lambda mutant: mutant.__name__)
def test_a_mutant_is_found_after_training(mutant: Mutant, shared: Path, finished: Path, tmp_path: Path) -> None:
    expected = tuple(check for check, found in ALL if found is mutant)
    bench = mutant_bench(mutant, tmp_path, shared)
    bench.__dict__["run"] = taskzoo.load(finished, task=mutant)
    state = ("state",) if expected == ("state",) or mutant is WholeTask else ()  # new processes, which take seconds
    names = ("batching", *state, "predictions", "metrics", *(() if expected in FAST_AFTER else ("evidence",)))
    chosen = [BY_NAME[name] for name in names]
    found = [(result.check.name, result.reason) for result in run_checks(bench, chosen) if result.status == "failed"]
    assert tuple(name for name, _ in found) == expected, found


class SlowTokenizer(WholeTask):
    """A right task on a model whose tokenizer does not tell the places of its tokens."""

    def evidence(self, role: str) -> Any:
        class Untold(WholeEvidence):
            def places(self, question: Any, features: Any, processor: Any) -> Any:
                raise RequestError("This tokenizer does not tell them.")

        return Untold(self, role)


def test_without_places_of_tokens_only_values_are_checked(shared: Path, finished: Path, tmp_path: Path) -> None:
    bench = mutant_bench(SlowTokenizer, tmp_path, shared)
    bench.__dict__["run"] = taskzoo.load(finished, task=SlowTokenizer)
    [result] = run_checks(bench, [BY_NAME["evidence"]])
    assert (result.status, result.reason) == ("ok", "")


def test_the_page_says_what_each_check_is_for_and_finds() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert text.startswith(opening()), "run docs/generate_checks.py"
    rows = text[len(opening()) :].splitlines()
    for check, mutant in ALL:
        start = line(check, mutant, Verdict((check,), (), ())).rstrip(" |")
        assert sum(row.startswith(f"{start} |") for row in rows) == 1, start
    assert sum(row.startswith("| ") for row in rows) == len(ALL) + 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_page_is_what_the_checks_find() -> None:
    found = list(verdicts())
    for check, mutant, verdict in found:
        assert verdict.failed == (check,), f"{mutant.__name__}: {verdict}"
    assert page(found) == FILE.read_text(encoding="utf-8"), "run docs/generate_checks.py"
