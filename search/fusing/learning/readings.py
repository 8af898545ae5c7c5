"""The data as each model reads it, and whether two models read it alike enough to teach one another."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from merging.fusion.alignment.report import survey
from merging.fusion.alignment.spans import Spans, align
from merging.fusion.alignment.vocabulary import Vocabulary, open_vocabulary
from merging.fusion.distributions.teacher import Request, TransformersTeacher
from merging.fusion.exchange import Exchange, has_template, open_writer
from merging.fusion.texts import Format, choose_format
from search.fusing.align import Aligned
from search.fusing.learning.data import Data

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Reading:
    """Every row of the data in one model's tokens."""

    name: str
    """Of the model's row."""
    vocabulary: Vocabulary
    exchanges: Sequence[Exchange]
    end: int
    """The token that ends a response."""

    @property
    def requests(self) -> list[Request]:
        """What the model is asked when it teaches."""
        return [each.request for each in self.exchanges]

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(len(each.ids) for each in self.exchanges)


def read_by(folders: Mapping[str, Path], asked: str, data: Data, max_length: int) -> dict[str, Reading]:
    """The data as each model reads it, in the format that all share; `folders`, by name, hold tokenizers.

    Raises:
        DataError: the models share no format, or a template refuses a row. CheckpointError: a tokenizer
            cannot be opened, or ends nothing.
    """
    vocabularies = {name: open_vocabulary(folder) for name, folder in folders.items()}
    chosen = choose_format(asked, {name: has_template(each) for name, each in vocabularies.items()})
    return {
        name: _read(name, folders[name], each, chosen, data, max_length)
        for name, each in vocabularies.items()
    }


def spans_between(a: Reading, b: Reading, row: int) -> Spans:
    """Where both models' tokens of a row's response agree."""
    return align(a.exchanges[row].response, b.exchanges[row].response)


def check_aligned(target: Reading, sources: Sequence[Reading], data: Data, floor: float) -> dict[str, float]:
    """The share of the responses' characters in aligned spans of each source and the target, by name.

    Raises:
        SearchError: one is below the floor; the message has the figure, and why.
    """
    found: dict[str, float] = {}
    for source in sources:
        report = survey(source.vocabulary, target.vocabulary, [row.response for row in data.rows])
        Aligned(source.name, target.name, "the data's responses", report).check(floor)
        found[source.name] = report.coverage
    return found


def _read(
    name: str, folder: Path, vocabulary: Vocabulary, chosen: Format, data: Data, max_length: int
) -> Reading:
    context = TransformersTeacher(folder).context
    room = max_length if context is None else min(max_length, context)
    writer = open_writer(folder, chosen, vocabulary)
    exchanges = writer.write(data.rows, room)
    if cut := sum(each.cut for each in exchanges):
        logger.warning(
            "data: %d of %d rows are too long for %s (%d tokens) and are cut", cut, len(data.rows), name, room
        )
    return Reading(name, vocabulary, exchanges, writer.end)
