"""`trainyard audit`: the proof, the file, and the check that anybody can do with the file alone."""

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.domain.permissions import SystemActor
from app.errors import Invalid
from app.infra.db import transaction
from app.services import audit, audit_export
from app.settings import get_settings
from app.tables import User
from tests.services.test_audit_chain import seal, tamper, verify, write

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "audit.md"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["audit", *map(str, arguments)])


@pytest.fixture
def installation(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own, in which nothing runs, on the servers of the test."""
    monkeypatch.setenv("TRAINYARD_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The program that the documentation shows, as a file."""
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    assert found is not None
    path = tmp_path / "check.py"
    path.write_text(found[1])
    return path


def check(script: Path, export: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", script, export]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def awkward() -> None:
    """Events whose JSON is easy to write in two ways."""
    after = {"ä": 'é\u2028\U0001f600"\\\n', "b": [1.0, 1e-9, 1e22, 0.1, -0.0, 2**70], "a": {"z": None, "y": True}}
    with transaction() as session:
        audit.record(
            session, SystemActor("test"), "test.awkward", User(id=1, email="a", name="a", role="member"), after=after
        )


@pytest.mark.usefixtures("installation")
class TestVerify:
    def test_a_whole_log_is_said_to_be_whole_with_its_head(self) -> None:
        write(3)
        seal()
        write(2)
        done = run("verify")
        assert done.exit_code == 0, done.output
        assert "3 events are linked, 2 more wait" in done.output
        assert verify().head in done.output

    def test_a_broken_log_is_one_plain_line_and_exit_code_1(self) -> None:
        write(3)
        seal()
        tamper("UPDATE audit_events SET actor = 'eve' WHERE id = 2")
        done = run("verify")
        assert done.exit_code == 1
        assert done.stderr.startswith("The audit log was tampered with. Link 2 is broken: its event 2 was changed")
        assert done.stderr.count("\n") == 1

    def test_a_head_that_was_noted_earlier_must_stand_in_the_chain(self) -> None:
        write(2)
        seal()
        head = verify().head
        write(2)
        seal()
        assert run("verify", "--head", head).exit_code == 0
        done = run("verify", "--head", "f" * 64)
        assert done.exit_code == 1
        assert "removed or made anew" in done.stderr

    def test_a_head_that_is_none_is_refused(self) -> None:
        assert run("verify", "--head", "9af3").exit_code != 0


@pytest.mark.usefixtures("installation")
class TestExport:
    def test_an_export_is_checked_by_the_documented_program(
        self, tmp_path: Path, script: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit_export, "PART", 2)
        write(4)
        awkward()
        out = tmp_path / "audit.jsonl"
        done = run("export", "--out", out)
        assert done.exit_code == 0, done.output
        assert "Wrote 5 events" in done.output
        checked = check(script, out)
        assert checked.stdout == f"5 events, head {verify().head}\n", checked.stderr

    @pytest.mark.parametrize(
        ("spoil", "told"),
        [
            (lambda lines: [lines[0].replace('"test.write"', '"test.wrote"'), *lines[1:]], "event 1 was changed"),
            (lambda lines: [lines[0], *lines[2:]], "link 2 is missing"),
            (lambda lines: lines[::-1], "link 1 is missing"),
        ],
    )
    def test_the_documented_program_finds_what_was_changed_in_a_file(
        self, tmp_path: Path, script: Path, spoil: Callable[[list[str]], list[str]], told: str
    ) -> None:
        write(4)
        out = tmp_path / "audit.jsonl"
        run("export", "--out", out)
        out.write_text("".join(spoil(out.read_text().splitlines(keepends=True))))
        checked = check(script, out)
        assert checked.returncode == 1
        assert told in checked.stderr

    def test_the_file_is_new_and_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        out = tmp_path / "audit.jsonl"
        assert run("export", "--out", out).exit_code == 0
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        done = run("export", "--out", out)
        assert isinstance(done.exception, Invalid)
        assert "Name a new file" in done.exception.message

    def test_only_what_was_asked_for_is_written(self, tmp_path: Path) -> None:
        write(1, "first.one")
        write(1, "second.one")
        out = tmp_path / "audit.jsonl"
        run("export", "--out", out, "--action", "second.")
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [(line["action"], line["chain"]["number"]) for line in lines] == [("second.one", 2)]
        later = tmp_path / "later.jsonl"
        run("export", "--out", later, "--since", "2100-01-01T00:00:00Z")
        assert later.read_text() == ""
