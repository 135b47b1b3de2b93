"""A run that is planned: load, train, evaluate, save. Whatever ends it is in its manifest."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.callbacks import Callback, RunFacts
from taskzoo.config import DataConfig, RunConfig, write_config
from taskzoo.data.readers import GROUP, file_sha256
from taskzoo.durable import whole_folder
from taskzoo.engine.events import tell
from taskzoo.engine.launched import processes, rank
from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import Interrupted, MachineError, PluginError, RequestError, TaskZooError
from taskzoo.faults import machine_fault
from taskzoo.option_names import option_name
from taskzoo.types import public

from .card import write_card
from .data import NONE, REST, UNLABELLED
from .directory import RunDirectory, write_json, write_jsonl
from .identity import check_learnt_alike, titled
from .manifest import describe_run, describe_settings, now
from .one_directory import agreed_path, check_shared
from .places import without_places
from .plan import Plan
from .saved_files import describe_files
from .verdict import BASELINE, FORGOTTEN, VERDICT, judging_score, verdict
from .wording import changed_data, changed_model, changed_settings, loaded_lines, opening

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from taskzoo.engine.scoring import Evaluation

    from .baseline import Baseline
    from .load import Run
    from .loading import Loaded

Stop = Callable[[], bool]


def never() -> bool:
    """Nobody asks to stop."""
    return False


def start(
    plan: Plan,
    path: Path,
    *,
    reporter: Reporter | None = None,
    stop: Stop = never,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Load the model, and only then make the directory and train; ``callbacks`` are told of it, as those of plugins.

    Raises:
        RequestError: the model cannot be loaded or does not suit (nothing is written).
        PluginError: the task's code fails.
        TrainingError, Interrupted: as :meth:`taskzoo.methods.base.Method.train`.
    """
    if plan.config.training.fsdp and processes() == 1:
        raise RequestError(
            "fsdp=true divides the model over processes, and this run has one; start several "
            f"({option_name('processes', '4')}, or torchrun), or leave fsdp out."
        )
    with _opened(plan, RunDirectory(path), reporter or Silent(), stop) as job:
        if job.is_main:
            job.loaded.session.callbacks.extend(callbacks)
        if before := plan.earlier:
            changes = changed_model(before["model"], job.published["model"])
            for note in changes + changed_data(before["data"], job.published["data"]):
                said = f"warning   changed since the run that the configuration is from: {note}"
                job.loaded.session.reporter.say(said)
        with _made_directory(job) if job.is_main else nullcontext():
            return _execute(job)


@contextmanager
def _made_directory(job: _Job) -> Iterator[None]:
    """Make the run's directory with its configuration and a first manifest, or leave nothing behind; then hold it.

    Raises:
        RequestError: another run has made it since its name was chosen.
        MachineError: it cannot be made.
    """
    directory = job.directory
    path = directory.path
    there_before = {path, *path.iterdir()} if path.is_dir() else set[Path]()
    made: list[Path] = []
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                path.mkdir()
                made = [path]
            stack.enter_context(directory.held())
            if directory.manifest.exists():
                raise RequestError(
                    f"Another run has made {str(path)!r} just now; choose another {option_name('output')}."
                )
            made = made or [directory.data, directory.config, directory.manifest]
            job.plan = replace(job.plan, config=keep_memory_rows(job.plan, directory))
            write_config(job.plan.config, directory.config)
            job.record(status="running")
        except OSError as error:
            for place in set(made) - there_before:
                shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)
            what = machine_fault(error) or str(error)
            raise MachineError(f"The run directory {str(path)!r} cannot be made: {what}. Nothing was kept.") from error
        yield


def restart(
    plan: Plan, directory: RunDirectory, *, force: bool = False, reporter: Reporter | None = None, stop: Stop = never
) -> Run:
    """Continue an interrupted run in its own directory.

    Raises:
        RequestError: its model, data or settings have changed since it began, which ``force`` allows, or it is going
            on.
        PluginError, TrainingError, Interrupted: as :func:`start`.
    """
    before, reporter = directory.read_manifest(), reporter or Silent()
    published = without_places(plan, directory.path)
    _unchanged(changed_data(before["data"], published(plan.splits.sources)), reporter, force)
    _unchanged(changed_settings(before["settings"], published(describe_settings(plan.config))), reporter, force)
    with (
        nullcontext() if rank() else _unfinished(directory),
        _opened(plan, directory, reporter, stop) as job,
    ):
        for model in sorted({"model", "teacher"} & before.keys() & job.published.keys()):
            _unchanged(changed_model(before[model], job.published[model]), reporter, force)
        if before.get("learnt", job.manifest["learnt"]) != job.manifest["learnt"]:
            _unchanged([f"what {titled(plan.entry)} learnt from the same rows"], reporter, force)
        if job.is_main:
            directory.remove_unfinished()
        for note in _other_circumstances(before, job.manifest, directory):
            job.loaded.session.reporter.say(note)
        job.record(started=before["started"], status="running")
        return _execute(job)


@contextmanager
def _unfinished(directory: RunDirectory) -> Iterator[None]:
    """Hold a run that may have been going on in another process since its manifest was read; refuse a finished one."""
    with directory.held():
        if directory.read_manifest()["status"] == "finished":
            raise RequestError(f"The run {str(directory.path)!r} has been finished meanwhile by another process.")
        yield


def _other_circumstances(before: Mapping[str, Any], now_: Mapping[str, Any], directory: RunDirectory) -> Iterator[str]:
    """What makes a resumed run end differently from one that was not stopped, or take longer."""
    from taskzoo.engine.checkpoint import TrainingState

    if (began := before.get("precision")) != (goes_on := now_["precision"]):
        what = f"the run began with precision {began} and goes on with {goes_on}"
        yield f"warning   {what}, so it will not end exactly as it would have."
    if (began := before.get("processes", 1)) != (goes_on := now_["processes"]):
        what = f"the run was made by {began} process{'es' * (began > 1)} so far and goes on with {goes_on}"
        new = ", and the new ones draw dropout anew" if goes_on > began else ""
        yield f"warning   {what}: the same rows for each step{new}, but sums are rounded otherwise."
    if now_["settings"]["training"]["fsdp"] and goes_on == 1:
        yield "There is one process, so the model is not divided (fsdp)."
    if limit := now_["settings"]["training"]["time_limit"]:
        yield f"The time limit of {limit:g} minutes counts anew from here."
    if not TrainingState(directory.checkpoints).exists():
        yield "No state was saved before the run stopped; it starts from the beginning."


def _unchanged(changes: list[str], reporter: Reporter, force: bool) -> None:
    """Refuse changes, or only say them."""
    if not changes:
        return
    first = "; ".join(changes)
    said = f"{first[0].upper()}{first[1:]} changed since the run began"
    if not force:
        raise RequestError(f"{said}; undo that, or start a new run ({option_name('force')} goes on nevertheless).")
    reporter.say(f"warning   {said}; going on nevertheless, as was asked.")


@dataclass
class _Job:
    """A run that is going on. ``seconds`` collects how long its parts take."""

    plan: Plan
    loaded: Loaded
    directory: RunDirectory
    manifest: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)
    baseline: Baseline | None = None
    forgotten: dict[str, Any] | None = None

    @property
    def is_main(self) -> bool:
        return bool(self.loaded.session.accelerator.is_main_process)

    def record(self, **facts: Any) -> None:
        """Write the manifest with more facts."""
        self.manifest.update(facts)
        if self.is_main:
            write_json(self.directory.manifest, self.published)

    @property
    def published(self) -> dict[str, Any]:
        """The manifest as it is written: it names files without their folders."""
        shown: dict[str, Any] = without_places(self.plan, self.directory.path)(self.manifest)
        return shown

    def tell(self, event: str, *values: Any) -> None:
        """Call the member of the run's callbacks."""
        session = self.loaded.session
        tell(session.callbacks, session.reporter, event, *values)

    def facts(self) -> RunFacts:
        """The run as callbacks see it."""
        return RunFacts(self.directory.path, self.plan.config.to_dict(), self.manifest)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Whatever ends the run is in its manifest and told to callbacks.

        Raises:
            MachineError: instead of what a full disk or the like raised.
        """
        try:
            yield
        except BaseException as error:
            ended = self._machine_error(error) or error
            status = "stopped" if isinstance(ended, (Interrupted, KeyboardInterrupt, MachineError)) else "failed"
            said = str(ended) if isinstance(ended, TaskZooError) else f"{type(ended).__name__}: {ended}"
            with suppress(OSError):  # the disk may be what failed
                self.record(status=status, reason=said.removesuffix(": "))
            self.tell("failed", ended)
            if ended is error:
                raise
            raise ended from error

    def _machine_error(self, error: BaseException) -> MachineError | None:
        """What to say instead of ``error`` where the machine failed; what it left half-written is removed."""
        if isinstance(error, OSError) and self.is_main and not self.directory.manifest.exists():
            return MachineError(
                f"The run {str(self.directory.path)!r} stopped: its directory, or what was in it, was removed while "
                "the run went on. Nothing can be resumed; start it again."
            )
        if (fault := machine_fault(error)) is None:
            return None
        if self.is_main:
            self.directory.remove_unfinished()
        path = self.directory.path
        return MachineError(
            f"The run {str(path)!r} stopped: {fault}. When that is solved, resume it with: zoo resume {path}"
        )


@contextmanager
def _opened(plan: Plan, directory: RunDirectory, reporter: Reporter, stop: Stop) -> Iterator[_Job]:
    """Say what is about to happen and load everything; within, random numbers are those of the run."""
    from taskzoo.engine.random_state import seeded

    from .loading import load_session

    limit, entered = plan.config.training.time_limit, time.perf_counter() - plan.seconds
    for line in opening(plan):
        reporter.say(line)
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder, seeded(plan.config.training.seed):
        began = time.perf_counter()
        loaded = load_session(plan, reporter, Path(folder))
        session = loaded.session
        plan = replace(plan, config=replace(plan.config, training=session.settings))  # as the method resolved them
        session.stop, session.ends = stop, entered + 60 * limit if limit else None
        with session.accelerator.active():
            if session.accelerator.is_main_process:
                session.callbacks = _make_callbacks(plan.config.track, reporter)
            else:
                session.reporter = Silent()
            manifest = describe_run(plan, loaded, time.perf_counter() - began)
            check_learnt_alike(plan.entry, manifest["learnt"], session.accelerator)
            for line in loaded_lines(plan, loaded):
                session.reporter.say(line)
            yield _Job(plan, loaded, RunDirectory(agreed_path(directory.path, session.accelerator)), manifest)


def _make_callbacks(names: Sequence[str], reporter: Reporter) -> list[Callback]:
    """A new object of each callback that is named or always on; a :class:`PluginError` if a named one fails."""
    made: list[Callback] = []
    for entry in registry.callbacks():
        named = entry.name in names
        try:
            cls = entry.load()
            if named or cls.always:
                made.append(cls())
        except Exception as error:  # whatever a stranger's callback may raise
            what = f"The callback {entry.name!r} of {entry.distribution} cannot be used"
            if named:
                raise PluginError(f"{what}: {type(error).__name__}: {error}") from error
            reporter.say(f"warning   {what} and is left out: {type(error).__name__}: {error}")
    return made


def _execute(job: _Job) -> Run:
    from taskzoo.engine.checkpoint import TrainingState
    from taskzoo.engine.evaluation import Predictor

    from .baseline import fit_baseline
    from .load import Run

    session, method, directory = job.loaded.session, job.loaded.method, job.directory
    with job.recorded():
        check_shared(directory.manifest, session.accelerator)
        job.tell("run_started", job.facts())
        if job.is_main:  # before training, so that its score can be compared while that goes on
            job.baseline, facts = fit_baseline(job.plan, session.reporter)
            job.record(**({"baseline": facts} if facts else {}))
        began, began_cpu = time.perf_counter(), time.process_time()
        progress = method.train(session, TrainingState(directory.checkpoints))
        job.seconds |= {
            "train": progress.seconds,
            "train_and_validate": time.perf_counter() - began,
            "train_and_validate_cpu": time.process_time() - began_cpu,
        }
        model = _finished(job) if session.sharded is None else session.model
        results, tuned = _evaluate(job, model)
        if session.sharded is not None:  # adapters are merged where the model is whole
            session.sharded.gather()
            model = _finished(job) if job.is_main else session.model
        if job.is_main:
            remedies = [*(["more time"] if progress.shortened else []), *method.remedies()]
            metrics = _save(job, model, results, remedies)
            job.record(
                finished=now(),
                model_files=describe_files(directory.model),
                seconds=job.manifest["seconds"] | {name: round(value, 3) for name, value in job.seconds.items()},
                steps=progress.steps,
                **({"shortened": True} if progress.shortened else {}),
                best_step=progress.chosen_step,
                tokens=progress.tokens,
                tokens_per_second=progress.tokens / max(progress.seconds, 1e-9),
                tuned=tuned,
                **method.facts(),
            )
            write_card(directory, job.plan, metrics, job.published, session.processor)
            job.record(status="finished")
            if not session.settings.keep_checkpoints:
                shutil.rmtree(directory.checkpoints, ignore_errors=True)
            job.tell("finished", job.facts(), metrics)
        session.accelerator.wait_for_everyone()
    tokens = session.settings.evaluation_tokens
    predictor = Predictor(session.task, model, session.processor, session.accelerator, tokens)
    return Run(directory.path, job.plan.spec, predictor)


def _finished(job: _Job) -> PreTrainedModel:
    """The plain model, with the adapters saved where they are kept."""
    from taskzoo.engine.lora import save_adapter

    session, method = job.loaded.session, job.loaded.method
    if method.keeps_adapter and job.is_main:
        with whole_folder(job.directory.adapter) as folder:
            save_adapter(session.trained, folder, job.plan.ref.public_name)
    return method.finish(session).eval().requires_grad_(True)  # autocast keeps what it casts of such weights alone


def _evaluate(job: _Job, model: PreTrainedModel) -> tuple[dict[str, Evaluation], dict[str, Any]]:
    """Scores of validation and test rows, and what the task tuned; of a continued run, also of the earlier test rows.

    Validation comes first: what the task determines there (temperature, thresholds) also applies to the test rows.
    """
    from taskzoo.engine.evaluation import Predictor, decode_split
    from taskzoo.engine.scoring import assemble, score

    from .forgetting import forgotten

    session, task, began = job.loaded.session, job.plan.task, time.perf_counter()
    results: dict[str, Evaluation] = {}
    tuned: dict[str, Any] = {}
    for split in ("validation", "test"):
        if not (examples := session.examples[split]):
            continue
        before = time.perf_counter()
        decoded = decode_split(session, model, split, split)
        job.seconds[f"predict_{split}"] = time.perf_counter() - before
        if split == "validation":
            tuned = task.tune(examples, decoded.parts)
        predictions = assemble(task, examples, decoded)
        results[split] = score(task, examples, predictions, further=job.loaded.further, intervals=True)
    job.seconds["evaluate"] = time.perf_counter() - began
    if job.plan.continued is not None:
        tokens = session.settings.evaluation_tokens
        predictor = Predictor(task, model, session.processor, session.accelerator, tokens)
        job.forgotten = forgotten(job.plan.continued, job.plan.spec, predictor)
    return results, tuned


def _save(job: _Job, model: PreTrainedModel, results: dict[str, Evaluation], remedies: Sequence[str]) -> dict[str, Any]:
    """Write model, task, scores and predictions; the scores. ``remedies`` are for a model that has learnt little."""
    from taskzoo.engine.folding import folded
    from taskzoo.models.loading import quietly

    from .baseline import score_baseline
    from .load import save_task

    session, directory, loaded = job.loaded.session, job.directory, job.loaded
    metrics: dict[str, Any] = {split: result.to_dict() for split, result in results.items()}
    if job.baseline is not None:
        metrics[BASELINE] = score_baseline(session.task, job.baseline, session.examples, results)
    if job.forgotten is not None:
        metrics[FORGOTTEN] = job.forgotten
    judging = judging_score(session.task)
    metrics[VERDICT] = verdict(metrics, judging, remedies, [*loaded.misfits, *loaded.method.doubts()])
    if loaded.use_cache is not None:
        model.config.use_cache = loaded.use_cache
    with whole_folder(directory.model) as folder:
        with folded(model, session.task.logit_scaling), quietly():
            model.save_pretrained(folder)
        session.processor.save_pretrained(folder)
        save_task(folder, job.plan, loaded.precision)
    if "test" in results:
        pairs = zip(results["test"].predictions, results["test"].references, strict=True)
        write_jsonl(directory.predictions, ({**public(p), "reference": public(r)} for p, r in pairs))
    write_json(directory.metrics, metrics)
    return metrics


def keep_memory_rows(plan: Plan, directory: RunDirectory) -> RunConfig:
    """Rows given in memory become files of the run, so that it can be repeated and resumed."""
    sources, given = plan.splits.sources, plan.config.data
    if all(source["source"] != "memory" for source in sources.values()):
        return plan.config
    directory.data.mkdir(exist_ok=True)
    files: dict[str, Any] = {UNLABELLED: REST} if given.unlabelled == REST else {}
    for split, source in sources.items():
        fields = source.pop("fields")
        if not fields:
            files[split] = NONE
            continue
        file = directory.data / f"{split}.jsonl"
        write_jsonl(file, fields)
        files[split] = source["source"] = str(file.absolute())
        source["sha256"] = file_sha256(file).hex()
    group = GROUP if given.group_by else None
    data = DataConfig(format="jsonl", group_by=group, shots=given.shots, holdout=given.holdout, **files)
    return replace(plan.config, data=data)
