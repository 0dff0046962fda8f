"""What the demonstration did: a line per step on the screen, and `demo-report.json` at the end."""

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console


@dataclass
class Report:
    """Steps with their seconds, and the facts they established."""

    path: Path
    steps: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    _begun: float = field(default_factory=time.monotonic)
    _console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))

    @contextmanager
    def step(self, what: str) -> Iterator[dict[str, Any]]:
        """Time a step; what the block puts under `result` in the yielded dict is shown behind it."""
        begun = time.monotonic()
        row: dict[str, Any] = {"step": what, "ok": False}
        self.steps.append(row)
        try:
            yield row
            row["ok"] = True
        except BaseException as error:
            row["error"] = str(error)
            raise
        finally:
            row["seconds"] = round(time.monotonic() - begun, 2)
            mark = "[green]✓[/]" if row["ok"] else "[red]✗[/]"
            result = f" [dim]{row['result']}[/]" if row.get("result") else ""
            self._console.print(f"{mark} [{self._elapsed():6.1f} s] {what}{result} [dim]({row['seconds']} s)[/]")
            self.write()

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun

    def write(self) -> None:
        """Save what is known so far."""
        document = {
            "finished": self.finished,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(self._elapsed(), 2),
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "steps": self.steps,
            **self.facts,
        }
        draft = self.path.with_suffix(".part")
        draft.write_text(json.dumps(document, indent=2) + "\n")
        draft.replace(self.path)

    def complete(self) -> None:
        """Every step happened."""
        self.finished = True
        self.write()


def was_completed(path: Path) -> bool:
    """True if an earlier walk was completed."""
    try:
        return bool(json.loads(path.read_text())["finished"])
    except (OSError, ValueError, KeyError):
        return False
