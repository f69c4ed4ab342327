"""Files are complete or not there."""

import os
import stat

import pytest

from statdl.files import write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "out.txt"
    write_whole(path, b"one")
    write_whole(str(path), memoryview(b"two"))
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_write_that_fails_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    path.write_bytes(b"older")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"newer")
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "out.txt", tmp_path / "link.txt"
    path.write_bytes(b"older")
    path.chmod(0o640)
    link.symlink_to(path)
    write_whole(link, b"newer")
    assert link.is_symlink()
    assert path.read_bytes() == b"newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs a device")
def test_what_is_no_file_is_written_to_and_not_replaced():
    write_whole("/dev/null", b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "nowhere" / "file"
    with pytest.raises(
        FileNotFoundError, match=r"There is no folder .*nowhere' to write to"
    ) as told:
        write_whole(path, b"x")
    assert ".tmp" not in str(told.value)
