"""Let mergekit 0.1.5 merge the models of `vocabularies.py`, and keep its results in `golden/vocabulary/`.

    oracle/bin/python tests/oracle/make_vocabulary_golden.py

The environment is that of `make_goldens.py`. Per `tokenizer_source` the merged tensors are kept, and the
output tokenizer's vocabulary: numbers of appended tokens may be others than ours, so rows compare by token.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from safetensors.torch import save_file
from tokenizers import Tokenizer

from merging.models.checkpoint import open_checkpoint
from tests.oracle.make_goldens import ask
from tests.oracle.vocabularies import GOLDEN, SOURCES, VOCABULARIES, config_of, lay_out, pico_of


def main() -> None:
    assert version("mergekit") == "0.1.5", "goldens are mergekit 0.1.5's; install that version"
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir(parents=True)
    tensors = {name: pico_of(name).base(seed) for seed, name in enumerate(VOCABULARIES)}
    for name, weights in tensors.items():
        save_file(weights, GOLDEN / f"{name}.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        lay_out(tensors, Path(folder))
        for source in SOURCES:
            make(source, Path(folder))


def make(source: str, folder: Path) -> None:
    """Keep mergekit's result for one source."""
    config, out = folder / f"{source}.yaml", folder / f"merged_{source}"
    config.write_text(config_of(source, folder))
    ask(config, out, folder)
    save_file(dict(open_checkpoint(out)), GOLDEN / f"merged_{source}.safetensors")
    vocabulary = Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab()
    ordered = dict(sorted(vocabulary.items(), key=lambda entry: entry[1]))
    (GOLDEN / f"merged_{source}.json").write_text(json.dumps(ordered, indent=0) + "\n")
    print(source, ordered)


if __name__ == "__main__":
    main()
