"""What the reader has done: one small JSON file in the user's data directory, and no account."""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import platformdirs

VERSION = 1
COUNTS = ("attempts", "solved", "hints", "solution")  # of an entry; merging takes the larger
NEWER = "Your progress was written by a newer dlcompanion; it is left as it is."

Entries = dict[str, dict[str, int]]


def path() -> Path:
    """Return where progress is kept: in $DLCOMPANION_DATA if that is set."""
    folder = os.environ.get("DLCOMPANION_DATA") or platformdirs.user_data_dir("dlcompanion", False)
    return Path(folder) / "progress.json"


def load() -> Entries:
    """Return all entries by id; nothing if there are none that can be read."""
    try:
        return parse(path().read_bytes())
    except (OSError, ValueError):
        return {}


def parse(data: bytes) -> Entries:
    """Read what `dump` has written.

    Raises:
        ValueError: if it is damaged, or of a newer version.
    """
    try:
        stored = json.loads(data)
        version, entries = int(stored["version"]), stored["entries"].items()
        found = {
            str(id): {name: int(entry.get(name, 0)) for name in COUNTS} for id, entry in entries
        }
    except Exception:
        raise ValueError("This is no progress file of dlcompanion.") from None
    if version > VERSION:
        raise ValueError(NEWER)
    return found


def dump(entries: Entries) -> bytes:
    """Write entries as a progress file."""
    return json.dumps({"version": VERSION, "entries": entries}, indent=1).encode()


def merge(new: Mapping[str, Mapping[str, int]], add: Mapping[str, int] | None = None) -> str:
    """Merge entries into the file; the larger count wins, after `add` was added to what is there.

    It reads, merges and replaces under a lock, so that notebooks side by side lose nothing.

    Returns:
        "", or what the reader should know: that the file was damaged, or cannot be written.
    """
    note = ""
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        with _lock():
            entries = load()
            if not entries and path().exists():
                note = _set_aside()
            if note == NEWER:
                return note
            for id, counts in new.items():
                old = entries.get(id, {})
                entries[id] = {
                    name: max(old.get(name, 0) + (add or {}).get(name, 0), int(counts.get(name, 0)))
                    for name in COUNTS
                }
            _replace(dump(entries))
    except OSError as error:
        return f"Your progress cannot be saved here ({error.strerror})."
    return note


def _set_aside() -> str:
    """Keep a damaged file beside a new one; return what to say."""
    try:
        parse(path().read_bytes())
    except ValueError as error:
        if str(error) == NEWER:
            return NEWER
        aside = path().with_name(f"progress-damaged-{time.time_ns()}.json")
        os.replace(path(), aside)
        return f"Your progress file was damaged. It is kept as {aside.name}, and a new one begun."
    return ""


def _replace(data: bytes) -> None:
    """Write the file so that it is there as a whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path().parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.replace(temporary, path())


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Hold the lock file; one that is older than any write takes was left by a crash."""
    lock, deadline = path().with_suffix(".lock"), time.monotonic() + 5
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                lock.unlink(missing_ok=True)
            time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
