"""The training loop. It reads top to bottom and knows no task by name."""

from __future__ import annotations

import torch

from taskzoo.errors import Interrupted
from taskzoo.models.unpadded import without_padding

from .averaging import put_average
from .bookkeeping import Bookkeeping
from .checkpoint import TrainingState
from .compiling import compiled_layers
from .cudnn import without_cudnn_attention
from .gradient import Gradient
from .job import Job
from .optim import build_optimizer, build_schedule, scale_and_clip
from .plan import plan_steps
from .progress import Progress
from .session import Session


def train(session: Session, job: Job, state: TrainingState) -> Progress:
    """Train the model of ``job`` in place, ending with the weights of the best evaluation.

    One optimizer step sees ``batch_size`` examples, or ``batch_tokens`` padded tokens; its examples are divided over
    processes and micro-batches. Each micro-batch contributes the *sum* of its losses; gradients are divided once by the
    number of active targets of the whole step, so 1 x 32 and 4 x 8 examples give the same gradient. Resumes from
    ``state`` where it holds one: the next batch is found by the step count.

    Raises:
        TrainingError: the loss or the gradient is not finite; the last state is kept.
        Interrupted: stopped on request, after saving the state; or by Ctrl-C, with the last one saved before.
    """
    settings, on_gpu = session.settings, session.accelerator.device.type == "cuda"
    with (
        session.accelerator.active(),
        without_cudnn_attention(),
        without_padding(job.model, wanted=settings.unpadded),
        compiled_layers(job.model, wanted=settings.compile, graphs=settings.cuda_graphs),
    ):
        with state.writing(in_background=on_gpu):  # on a CPU the copies would take as long as writing does
            progress = _train(session, job, state)
        if progress.best_score is not None and progress.best_step != progress.step:
            session.accelerator.wait_for_everyone()
            state.load_best(job.model)
        return progress


def _train(session: Session, job: Job, state: TrainingState) -> Progress:
    settings, accelerator = session.settings, session.accelerator
    world = accelerator.num_processes
    plan = plan_steps(job.features, settings)
    optimizer = build_optimizer(job.model, settings)
    schedule = build_schedule(optimizer, settings, lambda: plan.last_step)
    model, stepper = accelerator.prepare(job.model, optimizer)
    parameters = [p for p in job.model.parameters() if p.requires_grad]
    parts = {"optimizer": optimizer, "schedule": schedule, "scaler": accelerator.scaler}
    book = Bookkeeping(session, job, plan, state, parts)
    gradient = Gradient(session, job, model, lambda: plan.last_step)
    model.train()
    try:
        with session.reporter.bar("training", plan.last_step) as bar:
            for examples in plan.after(book.progress.step):
                if book.over:
                    break
                step_sum = gradient.sum(examples)  # forward and backward over my share of the examples

                # normalise over all micro-batches and processes, clip, step
                step_sum, asked = book.agreed(step_sum)
                if accelerator.scaler is not None:
                    accelerator.unscale_gradients(stepper)
                scale = (len(examples) * world / step_sum[1].clamp(min=1)).float()
                norm = scale_and_clip(parameters, scale, settings.max_grad_norm)
                rate = optimizer.param_groups[0]["lr"]
                if accelerator.scaler is None:
                    book.check(norm, examples)
                if accelerator.scaler is None or torch.isfinite(norm):
                    stepper.step()
                    schedule.step()
                else:
                    accelerator.scaler.update()  # fp16 overflowed: the scale shrinks, and the step is left out
                    book.check_scale(accelerator.scaler.get_scale(), examples)
                stepper.zero_grad()

                book.note(examples, step_sum, rate, norm, asked, bar)  # count, log, evaluate, save
    except KeyboardInterrupt:
        saved = state.saved_step()
        kept = "no state is saved" if saved is None else f"the state after step {saved} is saved"
        raise Interrupted(f"Stopped in step {book.progress.step + 1} of {plan.last_step}; {kept}.") from None
    finally:
        accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    put_average(optimizer)
    return book.progress
