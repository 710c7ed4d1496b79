"""Progress is kept, whatever happens to its file."""

import json
import os
import subprocess
import sys
import time

import pytest

from dlcompanion.practice import memory


def test_it_remembers_and_never_forgets():
    assert memory.load() == {}
    assert memory.merge({"4.1-a": {"solved": True}}, add={"attempts": 1}) == ""
    assert memory.merge({"4.1-a": {"solved": False, "hints": 2}}, add={"attempts": 1}) == ""
    assert memory.load() == {"4.1-a": {"attempts": 2, "solved": 1, "hints": 2, "solution": 0}}


def test_nothing_is_written_outside_the_readers_folder(reader_data):
    memory.merge({"4.1-a": {"hints": 1}})
    assert memory.path() == reader_data / "progress.json"
    assert [file.name for file in reader_data.iterdir()] == ["progress.json"]


def test_without_the_variable_it_is_the_users_data_directory(monkeypatch, tmp_path):
    monkeypatch.delenv("DLCOMPANION_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert "dlcompanion" in memory.path().parts


def test_notebooks_side_by_side_lose_nothing():
    code = (
        "import sys\nfrom dlcompanion.practice import memory\n"
        "for k in range(40):\n"
        "    memory.merge({'4.1-shared': {}, f'4.1-{sys.argv[1]}-{k}': {}}, add={'attempts': 1})\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [process.wait(120) for process in both] == [0, 0]
    entries = memory.load()
    assert len(entries) == 81
    assert entries["4.1-shared"]["attempts"] == 80


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"version": 1}', b"\xff\xfe", b'{"version": 1, "entries": {"a": 3}}'],
)
def test_a_damaged_file_is_kept_aside_and_said(reader_data, damage):
    reader_data.mkdir()
    memory.path().write_bytes(damage)
    note = memory.merge({"4.1-a": {"solved": True}})
    (aside,) = reader_data.glob("progress-damaged-*.json")
    assert aside.name in note and aside.read_bytes() == damage
    assert memory.load()["4.1-a"]["solved"] == 1
    assert memory.merge({"4.1-a": {"hints": 1}}) == ""


def test_a_newer_file_is_left_as_it_is(reader_data):
    reader_data.mkdir()
    newer = json.dumps({"version": memory.VERSION + 1, "entries": {}, "more": 1})
    memory.path().write_text(newer)
    assert memory.merge({"4.1-a": {"solved": True}}) == memory.NEWER
    assert memory.path().read_text() == newer
    assert memory.load() == {}


def test_a_file_of_another_kind_is_no_progress():
    for data in (b"", b"{}", b'{"version": "x", "entries": {}}'):
        with pytest.raises(ValueError, match="no progress file"):
            memory.parse(data)
    with pytest.raises(ValueError, match="newer"):
        memory.parse(b'{"version": 99, "entries": {}}')


def test_export_and_import_are_inverse():
    memory.merge({"4.1-a": {"solved": True}, "8.2-b": {"hints": 3}})
    entries = memory.load()
    assert memory.parse(memory.dump(entries)) == entries


def test_a_folder_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLCOMPANION_DATA", str(tmp_path / "file"))
    assert memory.merge({"4.1-a": {}}).startswith("Your progress cannot be saved here")


def test_a_lock_left_by_a_crash_does_not_lock_for_ever(reader_data, monkeypatch):
    reader_data.mkdir()
    lock = memory.path().with_suffix(".lock")
    lock.touch()
    start = time.monotonic()
    assert memory.merge({"4.1-a": {"hints": 1}}) == ""
    assert time.monotonic() - start < 10 and not lock.exists()


def test_the_file_is_replaced_as_a_whole(reader_data, monkeypatch):
    memory.merge({"4.1-a": {"hints": 1}})
    before = memory.path().read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert "No space left" in memory.merge({"4.1-a": {"hints": 2}})
    assert memory.path().read_bytes() == before
