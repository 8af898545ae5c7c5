"""`crucible align`: can one model learn from the other?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Json, Storage


def align(
    a: Annotated[str, typer.Argument(help="A model folder, or a hub id.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Another one.", metavar="B")],
    data: Annotated[
        Path,
        typer.Option(
            help="The text: every string in the objects of a JSONL file, plain or .gz.", metavar="ITEMS.jsonl"
        ),
    ],
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Tell whether two models can be fused: how much of a text both tokenizers cut at the same places.

    Reads tokenizers only and trains nothing: no study, so --storage is accepted but unused.
    """
    from search.fusing.align import align as align_models

    found = align_models(a, b, data)
    print(json.dumps(found.to_json()) if as_json else found.to_text())
