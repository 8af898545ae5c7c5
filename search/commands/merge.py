"""`crucible merge`: one merge, without a study."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import AllowPickle, Json, Storage, resumable, say, typed


def merge(
    config: Annotated[
        Path, typer.Argument(help="A merge config: mergekit's YAML, or a recipe.", metavar="CONFIG.yaml")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for the checkpoint; new or empty.", metavar="OUT_DIR")],
    compat: Annotated[
        str | None,
        typer.Option(
            help="Compute as mergekit 0.1.5 does, in the file's dtype and with its roundings.",
            metavar="mergekit",
            show_default=False,
        ),
    ] = None,
    config_source: Annotated[
        str | None,
        typer.Option(
            help="The model whose config, stop tokens and chat template the output has; by default the"
            " base's, and the stop tokens of all.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    allow_pickle: AllowPickle = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Merge once, from a config file to a checkpoint: no study, so --storage is accepted but unused.

    Models may be folders or hub ids, LoRA adapters of the base (by their folder, or as MODEL+ADAPTER), and of
    vocabularies that differ, where the file gives a tokenizer_source.
    """
    gc.disable()  # a merge leaves no cycles; looking for them among what torch imports is a tenth of its time
    from search.candidates.merge import merge as merge_config

    # Nor does the way out look at what was imported so far. What comes later may count its objects as it
    # ends, as triton's bindings do, which transformers' configs and compilers import: that must be collected.
    gc.freeze()
    with resumable(typed(), "Nothing was written"):
        merged = merge_config(config, out, compat, allow_pickle, quiet=as_json, config_source=config_source)
    say(json.dumps(merged.to_json()) if as_json else f"{config} -> {merged.to_text()}")
