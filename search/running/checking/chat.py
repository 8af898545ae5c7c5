"""Chat models asked as base models are, and the other way round: what `check` warns of."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.benchmarks.catalogue import Benchmark, benchmark_of
from merging.family.chat_template import read_template
from merging.models.checkpoint import Checkpoint
from search.running.workshop import Workshop
from search.study_file.spec import SliceSpec


def chat_warnings(workshop: Workshop) -> tuple[str, ...]:
    """A line for each slice whose task and way of asking do not suit the study's models.

    A chat model is one that has a chat template. Raises CheckpointError for a template that cannot be read.
    """
    base = _is_chat(workshop.base)
    named = zip(workshop.spec.expert_names, workshop.experts, strict=True)
    experts = [name for name, model in named if _is_chat(model)]
    said = [(part.name, _unsuited(part, base, experts)) for part in workshop.spec.slices]
    return tuple(f"slice '{name}': {message}" for name, message in said if message)


def _is_chat(model: Checkpoint) -> bool:
    """An adapter that was made ready has its base's tokenizer, but may bring a template of its own."""
    return any(read_template(folder) is not None for folder in (model.folder, model.path))


def _unsuited(part: SliceSpec, base: bool, experts: Sequence[str]) -> str:
    """What is odd about a slice; "" if nothing is. `experts` are those that are chat models."""
    benchmark = benchmark_of(part.task)
    if part.chat_template:
        return _beyond_reading(part.task, benchmark) if benchmark.asks == "base" else ""
    if base:
        return _left_out(part.task, benchmark)
    if experts:
        return (
            f"{_listed(experts)} a chat template, but the base, whose template prompts are put in, has none:"
            " give the base one (chat_template.jinja), and write chat_template: true"
        )
    if benchmark.asks == "chat":
        return (
            f"task '{part.task}' is for chat models, but no model here has a chat template: ask"
            f" {benchmark.counterpart}"
        )
    return ""


def _beyond_reading(task: str, benchmark: Benchmark) -> str:
    return (
        f"task '{task}' is for base models, which go on with its prompt; what a chat model answers under"
        f" chat_template: true cannot be read so: ask {benchmark.counterpart}"
    )


def _left_out(task: str, benchmark: Benchmark) -> str:
    better = f", and ask {benchmark.counterpart}" if benchmark.asks == "base" else ""
    return (
        f"the base has a chat template, but task '{task}' is asked without it: write chat_template: true"
        f"{better}"
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'has' if len(names) == 1 else 'have'}"
