"""A model that learnt from others, handed over: it is no merge, so it goes as the checkpoint that it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub.repocard_data import ModelCardData

from merging.errors import CheckpointError
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.models.fingerprint import survey
from merging.models.writer import write_checkpoint
from search.candidates.card import CARD, fenced, front_matter, measured, table
from search.candidates.verdict import Found
from studies.store.identity import JSON
from studies.store.rows import ModelSubject


def export_fused(subject: ModelSubject, out: Path, found: Found) -> Path:
    """Copy a fused model into the folder `out`, with a card that says how it was made and what it is worth.

    Raises:
        CheckpointError: it is gone from where it was made, or has changed since.
        OutputError: `out` holds something already or cannot be written.
    """
    checkpoint = open_checkpoint(Path(subject.path))
    if survey(checkpoint).digest != subject.digest:
        raise CheckpointError(
            f"{subject.path}: this model's content changed since it was fused; run `crucible fuse` again"
        )
    return write_checkpoint(
        checkpoint, out, checkpoint, dtype_of(checkpoint), extra={CARD: _card(subject, found)}
    )


def dtype_of(checkpoint: Checkpoint) -> str:
    """What most of a model's numbers are stored in."""
    counts = Counter[str]()
    for info in checkpoint.tensors.values():
        counts[info.dtype] += info.numel
    return counts.most_common(1)[0][0]


def _card(subject: ModelSubject, found: Found) -> str:
    judged = found.judged()
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["distillation", "crucible"],
        **measured(found.title, judged.results),
    )
    parts = [
        front_matter(data),
        f"# {found.title}",
        "Fused with Crucible: a model that learnt from others' output distributions on instructions with"
        " their responses, in its own architecture.",
        "## How it was made",
        table(("what", "value"), _made(subject.made or {})),
        "## Verdict",
        *found.verdict(),
        "## Licenses",
        "This card claims no license: look at those of the target and of the sources that it learnt from.",
        "## How to make it again",
        fenced("\n".join(("crucible fuse FUSION.yaml", *found.commands()))),
    ]
    return "\n\n".join(parts) + "\n"


def _made(made: Mapping[str, JSON], before: str = "") -> list[tuple[str, object]]:
    """Every setting by its dotted name; digests in short."""
    rows: list[tuple[str, object]] = []
    for name, value in made.items():
        if isinstance(value, Mapping):
            rows += _made(value, f"{before}{name}.")
        elif isinstance(value, list):
            rows.append((f"{before}{name}", ", ".join(_short(each) for each in value)))
        else:
            rows.append((f"{before}{name}", _short(value)))
    return rows


def _short(value: JSON) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)
