"""A checkpoint as one GGUF file, by llama.cpp's own converter where it is installed.

The package `gguf` alone cannot do it: it reads and writes the format, but how a model's config, tokenizer and
tensors become the format's is what `convert_hf_to_gguf.py` knows, architecture by architecture.
"""

from __future__ import annotations

import os
import shlex
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

from search.errors import SearchError

NAMES = ("convert_hf_to_gguf.py", "convert-hf-to-gguf")
"""What the converter is called: in a clone of llama.cpp, and as a package installs it."""
TYPES = ("auto", "f32", "f16", "bf16", "q8_0")
"""What it may store weights in; `auto` is the nearest 16-bit type."""
_HEADER = struct.Struct("<4sIQ")


def find_converter(given: Path | None = None) -> list[str] | None:
    """How the converter is called: `given` (it, or a clone that it lies in), else the one on PATH.

    Raises SearchError where there is none at `given`.
    """
    if given is None:
        folders = [Path(folder) for folder in os.get_exec_path() if folder]
        return next((_called(file) for name in NAMES for f in folders if (file := f / name).is_file()), None)
    file = given / NAMES[0] if given.is_dir() else given
    if not file.is_file():
        raise SearchError(f"--converter {given}: no such file; give llama.cpp's {NAMES[0]}, or its folder")
    return _called(file)


def to_type(checkpoint: Path, file: Path, kind: str) -> str:
    """The commands that convert a checkpoint by hand."""
    paths = (shlex.quote(str(path)) for path in (checkpoint, file))
    folder, out = paths
    return (
        "git clone https://github.com/ggml-org/llama.cpp && pip install -r"
        " llama.cpp/requirements/requirements-convert_hf_to_gguf.txt &&"
        f" python llama.cpp/{NAMES[0]} {folder} --outfile {out} --outtype {kind}"
    )


def convert(converter: Sequence[str], checkpoint: Path, file: Path, kind: str) -> Path:
    """Run the converter over a checkpoint; returns the file that it wrote.

    Raises:
        SearchError: it failed, with its last words; or what it wrote is no GGUF with a tensor in it.
    """
    command = [*converter, str(checkpoint), "--outfile", str(file), "--outtype", kind]
    with TemporaryFile() as log:
        try:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
            ).returncode
        except OSError as error:
            raise SearchError(f"{converter[0]}: cannot be run ({error.strerror}); see --converter") from error
        log.seek(0)
        words = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if code != 0:
        said = words[-1] if words else f"exit code {code}"
        raise SearchError(f"{converter[-1]} failed: {said}; --format checkpoint gives the model as it is")
    if tensors_in(file) < 1:
        raise SearchError(f"{converter[-1]} wrote no GGUF with tensors to {file.name}; is it llama.cpp's?")
    return file


def tensors_in(file: Path) -> int:
    """How many tensors a GGUF file's header promises; 0 where it is none."""
    try:
        with file.open("rb") as stream:
            magic, version, tensors = _HEADER.unpack(stream.read(_HEADER.size))
    except (OSError, struct.error):
        return 0
    return int(tensors) if magic == b"GGUF" and version >= 2 else 0


def _called(file: Path) -> list[str]:
    return [sys.executable, str(file)] if file.suffix == ".py" else [str(file)]
