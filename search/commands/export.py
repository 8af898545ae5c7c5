"""`crucible export`: take a candidate with you."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Storage, StudyName, Trial, chosen, resumable, typed

Form = Annotated[
    str,
    typer.Option(
        "--format",
        help="mergekit: merge.yaml in its dialect; recipe: recipe.yaml; checkpoint: the merged model; gguf:"
        " the same for llama.cpp, by its converter.",
        metavar="recipe|mergekit|checkpoint|gguf",
    ),
]
CandidateName = Annotated[
    str | None,
    typer.Option("--candidate", help="This candidate: base, uniform, an expert's name.", show_default=False),
]
Verify = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Ask the written checkpoint so many items again and compare with the evidence; 0 only reads it"
        " back. By default 8, where the study's items are found.",
        metavar="N",
        show_default=False,
    ),
]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Do not even read it back.")]
ItemsOf = Annotated[
    Path | None,
    typer.Option(
        help="The study's file, to verify with where its items are not found by themselves.",
        metavar="STUDY.yaml",
        show_default=False,
    ),
]
Converter = Annotated[
    Path | None,
    typer.Option(
        help="llama.cpp's convert_hf_to_gguf.py, or its folder; by default the one on PATH.",
        show_default=False,
    ),
]
GgufType = Annotated[
    str, typer.Option(help="What the GGUF file stores numbers in.", metavar="auto|f32|f16|bf16|q8_0")
]
Repo = Annotated[
    str | None,
    typer.Option(
        help="Upload what was written to this repository of the hub, for nobody else to see. The token is"
        " HF_TOKEN, or that of `hf auth login`.",
        metavar="OWNER/NAME",
        show_default=False,
    ),
]
Private = Annotated[bool, typer.Option("--private", help="Push for nobody else to see; the default.")]
Public = Annotated[bool, typer.Option("--public", help="Push for everybody to see.")]


def export(
    study: StudyName,
    out: Annotated[Path, typer.Option(help="Folder to write into; new or empty.")],
    form: Form = "mergekit",
    trial: Trial = None,
    candidate: CandidateName = None,
    verify: Verify = None,
    no_verify: NoVerify = False,
    study_file: ItemsOf = None,
    converter: Converter = None,
    gguf_type: GgufType = "auto",
    push_to_hub: Repo = None,
    private: Private = False,
    public: Public = False,
    storage: Storage = None,
) -> None:
    """Write the best candidate of a study (or the one that you name) where you can use it.

    Where a study has several objectives nobody is best in all: name one of those on its front. A checkpoint
    gets its name once it was asked a few items again and answered as on record.
    """
    from search.exporting.take import take
    from search.exporting.wanted import Conversion, Wanted, destination, proof_of

    wanted = Wanted(
        out=out,
        form=form,
        trial=trial,
        candidate=candidate,
        proof=proof_of(verify, no_verify, study_file),
        gguf=Conversion(converter, gguf_type),
        hub=destination(push_to_hub, private, public),
    )
    with resumable(typed()):
        taken = take(chosen(storage), study, wanted)
    print(f"{taken.row.name} ({taken.row.digest[:12]}) -> {taken.path}")
    for line in taken.said:
        print(f"  {line}")
