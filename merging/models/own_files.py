"""What lies beside a model's weights that only it has: code of its own, and how it prepares images and sound.

Copied to wherever its config goes, so that what is made of it loads as it does; never run, and no part of
what a model is known by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from merging.errors import CheckpointError
from merging.models.checkpoint import Checkpoint, read_json

PROCESSORS = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")
_WITH_CODE = ("tokenizer_config.json", *PROCESSORS)
_SIBLING = re.compile(rb"^\s*(?:from\s+\.(\w+)\s+import\b|import\s+\.(\w+))", re.MULTILINE)
"""What transformers fetches beside a module that it loads."""


def own_files(model: Checkpoint) -> list[Path]:
    """Code that a model's config, tokenizer or processors are loaded by, then the processors' own files."""
    said = [_said(model.folder / name) for name in _WITH_CODE]
    code = _code(model.folder, (model.config, *said))
    return [*code, *(file for name in PROCESSORS if (file := model.folder / name).is_file())]


def own_code(model: Checkpoint) -> list[Path]:
    """The modules, as far as they are there, that make a model of its weights, sorted by name."""
    return _code(model.folder, (model.config,))


def code_elsewhere(config: Mapping[str, Any]) -> bool:
    """Whether all code that a config names lies in another repository of the hub."""
    return all("--" in name for name in _classes(config))


def _code(folder: Path, configs: tuple[Mapping[str, Any], ...]) -> list[Path]:
    wanted = [name.partition(".")[0] for config in configs for name in _classes(config) if "--" not in name]
    found: dict[str, Path] = {}
    while wanted:
        module = wanted.pop()
        file = folder / f"{module}.py"
        if module not in found and module.isidentifier() and file.is_file():
            found[module] = file
            wanted += [(a or b).decode() for a, b in _SIBLING.findall(_read(file))]
    return [found[module] for module in sorted(found)]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror}); see to its permissions") from None


def _classes(config: Mapping[str, Any]) -> Iterator[str]:
    """`module.Class` of all that has code of its own; tokenizers name two classes, or one and null."""
    named = config.get("auto_map")
    for value in named.values() if isinstance(named, dict) else ():
        yield from (name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str))


def _said(file: Path) -> Mapping[str, Any]:
    return read_json(file, "copy the model's again") if file.is_file() else {}
