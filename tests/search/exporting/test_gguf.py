"""Our side of llama.cpp's converter: where it is looked for, how it is called, what comes of it."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from search.errors import SearchError
from search.exporting.gguf import convert, find_converter, tensors_in, to_type

GOOD = """
import struct, sys
model, option, out, kind, type_ = sys.argv[1:]
assert (option, kind) == ("--outfile", "--outtype")
open(out, "wb").write(struct.pack("<4sIQ", b"GGUF", 3, 7) + type_.encode())
"""


def script(folder: Path, text: str, name: str = "convert_hf_to_gguf.py") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_it_is_found_by_its_name_its_folder_and_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert find_converter() is None
    file = script(tmp_path / "llama.cpp", GOOD)
    called = [sys.executable, str(file)]
    assert find_converter(file) == find_converter(file.parent) == called
    monkeypatch.setenv("PATH", str(file.parent))
    assert find_converter() == called
    assert find_converter(script(tmp_path, "", "convert-hf-to-gguf")) == [
        str(tmp_path / "convert-hf-to-gguf")
    ]
    with pytest.raises(SearchError, match="no such file"):
        find_converter(tmp_path / "elsewhere")


def test_it_is_given_the_checkpoint_the_file_and_the_type(tmp_path: Path) -> None:
    command = [sys.executable, str(script(tmp_path, GOOD))]
    made = convert(command, tmp_path, tmp_path / "it.gguf", "q8_0")
    assert tensors_in(made) == 7
    assert made.read_bytes().endswith(b"q8_0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('one'); raise NotImplementedError('no such\\npre-tokenizer')", "pre-tokenizer"),
        ("raise SystemExit(3)", "exit code 3"),
        ("pass", "wrote no GGUF"),
        ("import sys; open(sys.argv[3], 'wb').write(b'PK' * 20)", "wrote no GGUF"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SearchError) as error:
        convert([sys.executable, str(script(tmp_path, text))], tmp_path, tmp_path / "it.gguf", "auto")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_one_that_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="cannot be run"):
        convert([str(script(tmp_path, "", "convert-hf-to-gguf"))], tmp_path, tmp_path / "it.gguf", "auto")


def test_a_file_is_counted_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert tensors_in(file) == 0
    file.write_bytes(struct.pack("<4sIQ", b"GGUF", 1, 7))
    assert tensors_in(file) == 0, "version 1 counts in 32 bits"


def test_paths_are_quoted_in_what_is_to_be_typed(tmp_path: Path) -> None:
    assert "'a b' --outfile 'a b/x.gguf' --outtype f16" in to_type(Path("a b"), Path("a b/x.gguf"), "f16")
