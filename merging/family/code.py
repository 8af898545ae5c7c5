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
    names = {file.name for model in (base, expert) for file in own_code(model)}
    for name in sorted(names):
        texts = [_text(model.folder / name) for model in (base, expert)]
        for model, other, text in ((base, expert, texts[0]), (expert, base, texts[1])):
            if text is None and not code_elsewhere(model.config):
                raise CheckpointError(
                    f"{model.folder / name}: missing, {other.path} has it; copy it there if that is the code"
                    " this model was trained with"
                )
        if None not in texts and texts[0] != texts[1]:
            raise CheckpointError(
                f"{expert.folder / name}: is other code than the base's {base.folder / name}, under which the"
                " same weights may compute something else; only models with the same code can be merged"
            )


def _text(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror}); see to its permissions") from None
