"""lm-eval's own task objects over our rows: they write the prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.benchmarks.catalogue import Benchmark
from evaluators.benchmarks.choices import DELIMITER
from evaluators.benchmarks.items import Item
from evaluators.benchmarks.quiet import quiet
from evaluators.benchmarks.rows import Row
from evaluators.errors import SliceError, TaskError

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

Chat = Callable[..., str]
"""Renders messages by a chat template: `chat(messages, add_generation_prompt=True)`."""


@dataclass(frozen=True)
class Part:
    """Rows that one lm-eval task writes the prompts of, and the split of them that is trained on, if any."""

    benchmark: Benchmark
    definition: ConfigurableTask
    test: tuple[Row, ...]
    train: tuple[Row, ...] | None


def local_part(
    benchmark: Benchmark,
    config: dict[str, Any],
    test: tuple[Row, ...],
    train: tuple[Row, ...] | None,
    file: Path,
) -> Part:
    """The task over rows of local files; where it brings no examples, the first rows of `file` are those."""
    taken = config["num_fewshot"] if own_examples(config) is None else 0
    source = test if train is None else train
    examples, rest = source[:taken], source[taken:]
    test, train = (rest, None) if train is None else (test, rest)
    if not test or len(examples) < taken:
        raise SliceError(f"{file}: {len(source)} rows, {taken} wanted as examples, leave no item; add items")
    return Part(benchmark, _definition(benchmark, config, test, examples), test, train)


def hub_part(benchmark: Benchmark, config: dict[str, Any]) -> Part:
    """The task over its dataset on the hub; rows of it that are shown as examples are no items.

    Raises SliceError when the dataset cannot be loaded, TaskError when it has too few examples.
    """
    from lm_eval.api.task import ConfigurableTask

    place = config["dataset_path"]
    try:
        definition = ConfigurableTask(config=config)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise SliceError(f"cannot load dataset {place} ({reason}); give `data:`") from error
    _render_examples_once(definition)
    taken = _taken(definition, place)
    split = _examples_split(config)
    test = _rows(benchmark, definition.eval_docs)[taken if split == config["test_split"] else 0 :]
    train = None
    if benchmark.train is not None and benchmark.train in definition.dataset:
        rows = _rows(benchmark, definition.dataset[benchmark.train])
        train = rows[taken if split == benchmark.train else 0 :]
    return Part(benchmark, definition, test, train)


def _taken(definition: ConfigurableTask, place: str) -> int:
    """How many rows of the dataset are shown as examples; raises TaskError where it has fewer."""
    wanted: int = definition.config.num_fewshot
    if not wanted or definition.fewshot_cfg.samples is not None:
        return 0
    found = len(list(definition.fewshot_docs()))
    if found < wanted:
        raise TaskError(f"{place} has {found} examples; write a num_fewshot from 0 to {found}")
    return wanted


def _examples_split(config: Mapping[str, Any]) -> str:
    """Where lm-eval takes examples from: the split named for that, else the first that there is.

    Of a test split it would show its first questions with their own answers: it guards only a named split.
    """
    kinds = ("fewshot_split", "training_split", "validation_split", "test_split")
    return str(next(config[kind] for kind in kinds if config.get(kind)))


def items_of(part: Part, rows: Sequence[Row], place: object, chat: Chat | None) -> list[Item]:
    """The rows, which lie in `place`, as a model is asked them, by a chat template if one is given.

    Raises SliceError for a row whose answer is none of its choices.
    """
    return [_item(part, row, place, chat) for row in rows]


def own_examples(config: Mapping[str, Any]) -> Sequence[Any] | None:
    """The few-shot examples that a task's definition holds itself, if it does."""
    samples = config["fewshot_config"].get("samples")
    found: Sequence[Any] | None = samples() if callable(samples) else samples
    return found


@contextmanager
def quietly() -> Iterator[None]:
    """Keeps lm-eval's warnings and the progress bars of datasets off the terminal."""
    from datasets.utils import logging as bars

    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        with quiet("lm_eval"):
            yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _definition(
    benchmark: Benchmark, config: dict[str, Any], items: Sequence[Row], examples: Sequence[Row]
) -> ConfigurableTask:
    """The task over local rows; no `process_docs`: what MATH's adds, the rows have already."""
    from datasets import Dataset
    from lm_eval.api.task import ConfigurableTask

    def dataset(part: Sequence[Row]) -> Dataset:
        return Dataset.from_list([_doc(benchmark, row) for row in part])

    if examples and _examples_split(config) == config["test_split"]:
        config = {
            **config,
            "fewshot_split": "examples",
        }  # else the first items would be examples of themselves
    splits = {config.get(name): dataset(examples or items) for name in ("training_split", "fewshot_split")}
    splits[config["test_split"]] = dataset(items)
    source = {"custom_dataset": lambda **_: splits, "dataset_kwargs": None, "metadata": None}
    definition = ConfigurableTask(config={**config, **source, "process_docs": None})
    _render_examples_once(definition)
    return definition


def _render_examples_once(definition: ConfigurableTask) -> None:
    """lm-eval renders every example anew for every item: 18 s for GSM8K's test split with eight of them."""
    settings = definition.fewshot_cfg
    for name in ("doc_to_text", "doc_to_target"):
        setattr(settings, name, _once(getattr(definition, name), getattr(settings, name)))


def _once(render: Callable[[Any, Any], Any], template: Any) -> Callable[[Any], Any]:
    known: dict[str, Any] = {}

    def remembered(doc: Any) -> Any:
        key = repr(doc)
        if key not in known:
            known[key] = render(doc, template)
        return known[key]

    return remembered


def _doc(benchmark: Benchmark, row: Row) -> dict[str, Any]:
    """The row with the field that `process_docs` would add to MATH's."""
    return {**benchmark.derive(row.doc), **row.doc}


def _rows(benchmark: Benchmark, docs: Any) -> tuple[Row, ...]:
    return tuple(
        Row(index, {field: doc[field] for field in benchmark.schema}) for index, doc in enumerate(docs)
    )


def _item(part: Part, row: Row, place: object, chat: Chat | None) -> Item:
    definition = part.definition
    prefix = definition.doc_to_prefix(row.doc)
    prompt = definition.fewshot_context(
        _doc(part.benchmark, row),
        num_fewshot=definition.config.num_fewshot,
        gen_prefix=prefix,
        apply_chat_template=chat is not None,
        fewshot_as_multiturn=chat is not None,  # as the command line of lm-eval has it by default
        chat_template=chat,
    )
    assert isinstance(prompt, str), "a task with several inputs has no single prompt"
    delimiter = "" if chat else definition.config.target_delimiter
    if part.benchmark.scoring == "generate":
        gold = _worked(part, row, delimiter)
        return Item(row.index, prompt, row.doc, gold=f"{_trimmed(prompt, prefix)}{gold}")
    assert delimiter in ("", DELIMITER), "graders know what to leave out of a choice's length"
    answers = definition.doc_to_choice(row.doc)
    right = _right(part, row, place, answers)
    choices = tuple(f"{delimiter}{answer}" for answer in answers)
    return Item(row.index, prompt, row.doc, choices, right, choices[right])


def _worked(part: Part, row: Row, delimiter: str) -> str:
    """The answer as a few-shot example would show it; a gold program continues its prompt as it is."""
    if part.benchmark.gold is not None:
        return str(row.doc[part.benchmark.gold])
    target = part.definition.doc_to_target(_doc(part.benchmark, row) | dict(part.benchmark.worked))
    return f"{delimiter}{target}"


def _trimmed(prompt: str, prefix: str | None) -> str:
    """White space that ends what the answer begins with, where a template cut it off the prompt's end."""
    space = "" if prefix is None else prefix[len(prefix.rstrip()) :]
    return "" if prompt.endswith(space) else space


def _right(part: Part, row: Row, place: object, answers: Sequence[str]) -> int:
    target = part.definition.doc_to_target(row.doc)
    if target in answers:
        return answers.index(target)
    if isinstance(target, int) and 0 <= target < len(answers):
        return target
    raise SliceError(
        f"{place} line {row.index + 1}: the answer {target!r} is none of the choices"
        f" {', '.join(map(repr, answers[:4]))}{', …' if len(answers) > 4 else ''}"
    )
