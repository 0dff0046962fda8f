"""Images and objects that stand apart in a file (COCO, CSV), brought together on disk instead of in memory."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Gathered:
    """One image of a file, and every object that names it, each with its line."""

    line: int
    value: Any
    objects: list[tuple[int, Any]]


class Gatherer:
    """A temporary database of one annotation file. Keys are texts: the id or name by which objects name their image."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.execute("CREATE TABLE image (key TEXT PRIMARY KEY, line INTEGER, value TEXT)")
        self._db.execute("CREATE TABLE object (key TEXT, id TEXT, line INTEGER, value TEXT)")
        self._db.execute("CREATE TABLE id (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def __enter__(self) -> "Gatherer":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def image(self, key: str, line: int, value: Any) -> int | None:
        """Keep an image; the line of the one that has this key already, or None."""
        if self._db.execute("INSERT OR IGNORE INTO image VALUES (?, ?, ?)", (key, line, json.dumps(value))).rowcount:
            return None
        return int(self._db.execute("SELECT line FROM image WHERE key = ?", (key,)).fetchone()[0])

    def object(self, key: str, line: int, value: Any, unique: str | None = None) -> int | None:
        """Keep an object of an image; the line of the one that has this `unique` id already, or None."""
        if (
            unique is not None
            and not self._db.execute("INSERT OR IGNORE INTO id VALUES (?, ?)", (unique, line)).rowcount
        ):
            return int(self._db.execute("SELECT line FROM id WHERE id = ?", (unique,)).fetchone()[0])
        self._db.execute("INSERT INTO object VALUES (?, ?, ?, ?)", (key, unique, line, json.dumps(value)))
        return None

    def images(self) -> Iterator[Gathered]:
        """Every image with its objects, images and objects in the order of the file."""
        self._db.execute("CREATE INDEX IF NOT EXISTS by_key ON object (key, line)")
        for key, line, value in self._db.execute("SELECT key, line, value FROM image ORDER BY rowid"):
            rows = self._db.execute("SELECT line, value FROM object WHERE key = ? ORDER BY rowid", (key,))
            yield Gathered(line, json.loads(value), [(at, json.loads(text)) for at, text in rows])

    def orphans(self) -> Iterator[tuple[int, str]]:
        """The objects that name an image that is not there: line and key."""
        yield from self._db.execute(
            "SELECT line, key FROM object WHERE NOT EXISTS (SELECT 1 FROM image WHERE image.key = object.key)"
            " ORDER BY line"
        )
