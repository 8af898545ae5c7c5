"""Chat templates of checkpoints: which one a merge gets, and the files that say so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from merging.errors import CheckpointError
from merging.models.checkpoint import Checkpoint, read_json

TEMPLATE = "chat_template.jinja"
_IN_TOKENIZER = "tokenizer_config.json"
_IN_PROCESSOR = "chat_template.json"
_KEY = "chat_template"


def most_common(folders: Iterable[Path]) -> str | None:
    """The template that most folders have, of equals the earlier, as mergekit's `auto`; None: none has one.

    Raises:
        CheckpointError: a template or tokenizer_config.json cannot be read.
    """
    found = [template.strip() for folder in folders if (template := read_template(folder))]
    return Counter(found).most_common(1)[0][0] if found else None


def read_template(folder: Path) -> str | None:
    """The template of a folder's tokenizer, the default one where it has several; None where it has none."""
    if (folder / TEMPLATE).is_file():
        try:
            return (folder / TEMPLATE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(folder / TEMPLATE, error) from None
    if not (folder / _IN_TOKENIZER).is_file():
        return None
    said: Any = read_json(folder / _IN_TOKENIZER, "copy the model's tokenizer again").get(_KEY)
    if isinstance(said, list):
        said = {entry.get("name"): entry.get("template") for entry in said if isinstance(entry, dict)}
    if isinstance(said, dict):
        said = said.get("default")
    if not isinstance(said, str):
        return None
    try:
        said.encode()
    except UnicodeEncodeError as error:  # JSON can say half of a surrogate pair, which no file can hold
        raise _unreadable(folder / _IN_TOKENIZER, error) from None
    return said


def _unreadable(file: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{file}: its chat template cannot be read ({error}); copy the model's tokenizer again"
    )


def template_files(donor: Checkpoint, template: str) -> dict[str, str]:
    """Texts by file name that give a copy of the donor's files this template, and leave it no other."""
    files = {TEMPLATE: template}
    for file in donor.companions():
        if file.name == _IN_PROCESSOR:
            files[file.name] = json.dumps({_KEY: template}, indent=2) + "\n"
        elif file.name == _IN_TOKENIZER:
            settings = read_json(file, "copy the model's tokenizer again")
            if settings.pop(_KEY, None) is not None:
                files[file.name] = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    return files
