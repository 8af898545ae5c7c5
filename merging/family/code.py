"""Models that bring their architecture along as code: read as text and compared, never run."""

from __future__ import annotations

from pathlib import Path

from merging.errors import CheckpointError
from merging.family.configs import is_known
from merging.models.checkpoint import Checkpoint
from merging.models.own_files import code_elsewhere, own_code


def needs_own_code(model: Checkpoint) -> bool:
    """Whether a model's architecture is nobody's but its own code's."""
    return bool(model.config.get("auto_map")) and not is_known(model.config)


def check_code(base: Checkpoint, expert: Checkpoint) -> None:
    """Refuse an expert whose own code is not the base's, for the same weights may then mean something else.

    Code that lies in a repository of the hub is not fetched to be compared.

    Raises:
        CheckpointError: names the file, and the remedy.
    """
    if not needs_own_code(base) and not needs_own_code(expert):
        return
    files = [{file.name: file for file in own_code(model)} for model in (base, expert)]
    for name in sorted({*files[0], *files[1]}):
        for model, has, other in ((base, files[0], expert), (expert, files[1], base)):
            if name not in has and not code_elsewhere(model.config):
                raise CheckpointError(
                    f"{model.folder / name}: missing, {other.path} has it; copy it there if that is the code"
                    " this model was trained with"
                )
        if name in files[0] and name in files[1] and _text(files[0][name]) != _text(files[1][name]):
            raise CheckpointError(
                f"{files[1][name]}: is other code than the base's {files[0][name]}, under which the same"
                " weights may compute something else; only models with the same code can be merged"
            )


def _text(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror}); see to its permissions") from None
