"""A folder as a tar archive, in pieces."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from search.serving.routes.tar import tar_chunks, tar_size


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 3 << 20])
def test_an_archive_holds_the_files_and_is_as_long_as_was_said(tmp_path: Path, size: int) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ä file.bin").write_bytes(os.urandom(size))
    (tmp_path / ("n" * 150)).write_text("long name")
    archive = b"".join(tar_chunks(tmp_path))
    assert len(archive) == tar_size(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        found = {each.name: read.extractfile(each) for each in read}
    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        for name in found:
            opened = read.extractfile(name)
            assert opened is not None
            assert opened.read() == (tmp_path / name).read_bytes()
    assert list(found) == ["n" * 150, "sub/ä file.bin"]


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    first = b"".join(tar_chunks(tmp_path))
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "a").chmod(0o600)
    assert b"".join(tar_chunks(tmp_path)) == first


def test_a_symlink_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc/passwd")
    assert b"".join(tar_chunks(tmp_path)) == b"\0" * 1024
