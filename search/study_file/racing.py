"""The `racing` of a study file: how surely a candidate must be behind before it is asked no more."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from search.study_file.search_space import Section

RACED = ("accuracy", "gold_logprob")
"""Objectives that are means over items, so that a share of the items tells of all."""


class RacingSpec(Section):
    """When a candidate is stopped."""

    error: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """Of the candidates that would have won, the share that may be stopped."""
    blocks: Annotated[int, Field(ge=1, le=100, strict=True)] = 8
    """Into how many blocks search items are cut at most; with one, everybody is asked everything."""

    @property
    def on(self) -> bool:
        """Whether anybody may be stopped."""
        return self.blocks > 1


OFF = RacingSpec(blocks=1)


def _switch(given: Any) -> Any:
    """YAML reads a bare `off` as false."""
    if given is False or given == "off":
        return OFF
    return {} if given is True or given == "on" else given


Racing = Annotated[RacingSpec | None, BeforeValidator(_switch)]
"""None: the file does not say."""
