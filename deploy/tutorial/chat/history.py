"""What was said, in SQLite: it stands for the database that an application has anyway.

Each room counts its messages 1, 2, 3, ... A reader who knows the last number that he has can tell what he lacks.
"""
import sqlite3
import time
from typing import Union

Row = dict[str, Union[int, str]]

_TABLE = """
CREATE TABLE IF NOT EXISTS messages (
    room TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, host TEXT NOT NULL,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ')), PRIMARY KEY (room, number)) WITHOUT ROWID
"""

# One statement, so two servers cannot take the same number.
_ADD = """
INSERT INTO messages (room, number, name, text, host)
SELECT :room, coalesce(max(number), 0) + 1, :name, :text, :host FROM messages WHERE room = :room RETURNING *
"""

_NEWER = """
SELECT * FROM (SELECT * FROM messages WHERE room = ? AND number > ? ORDER BY number DESC LIMIT ?) ORDER BY number
"""


class History:
    """The messages of all rooms. The file may be used by several processes. Not thread-safe."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)  # each statement commits
        self._database.row_factory = sqlite3.Row
        self._log_writes_ahead()
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_TABLE)

    def _log_writes_ahead(self, patience_s: float = 30.0) -> None:
        """Lets others read while one writes. SQLite does not wait for a process that does the same at this moment."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if str(error) != "database is locked" or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def add(self, room: str, name: str, text: str, host: str) -> Row:
        """Stores a message, and returns it with its number and time (UTC)."""
        [row] = self._database.execute(_ADD, {"room": room, "name": name, "text": text, "host": host}).fetchall()
        return dict(row)

    def newer_than(self, room: str, number: int, limit: int = 200) -> list[Row]:
        """The messages of the room with a higher number, oldest first; if they are too many, the newest `limit`."""
        return [dict(row) for row in self._database.execute(_NEWER, (room, number, limit))]
