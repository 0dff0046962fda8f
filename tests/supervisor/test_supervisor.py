"""Children are started in order, brought back when they die, and never left behind, however the parent ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.supervisor import StartupError, Supervisor
from app.supervisor import supervisor as supervisor_module
from app.supervisor.leftovers import Record, read_records, reap_leftovers, records_folder, write_record

ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition; fails the test when it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, lines: list[str]) -> Iterator[Supervisor]:
    with Supervisor(tmp_path, report=lines.append) as made:
        yield made


def test_child_waits_for_the_ones_that_run_already(supervisor: Supervisor, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    supervisor.add("first", ["sh", "-c", f"touch {first}; exec sleep 60"], ready=first.exists)
    supervisor.add("second", ["sh", "-c", f"test -e {first} && touch {second}; exec sleep 60"], after=("first",))
    supervisor.start()
    until(second.exists)
    assert supervisor.names() == ["first", "second"]


def test_children_of_one_batch_start_together(supervisor: Supervisor, tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        supervisor.add(name, ["sh", "-c", f"touch {tmp_path / name}; exec sleep 60"], ready=(tmp_path / other).exists)
    supervisor.start()
    assert supervisor.pid("a")
    assert supervisor.pid("b")


def test_children_that_wait_for_each_other_are_refused(supervisor: Supervisor) -> None:
    supervisor.add("a", ["sleep", "60"], after=("b",)).add("b", ["sleep", "60"], after=("a",))
    with pytest.raises(ValueError, match="a, b"):
        supervisor.start()


def test_killed_child_comes_back_and_says_so(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.add("worker", ["sleep", "60"]).start()
    killed = supervisor.pid("worker")
    assert killed
    os.kill(killed, signal.SIGKILL)
    until(lambda: supervisor.pid("worker") not in (None, killed))
    until(lambda: len(lines) == 2)
    assert lines == [
        "worker was ended by SIGKILL; starting it again",
        f"worker is running again (process {supervisor.pid('worker')})",
    ]


def test_child_without_restart_stays_down(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.add("once", ["true"], restart=False).start()
    until(lambda: lines)
    assert lines == ["once ended with exit code 0"]
    assert supervisor.pid("once") is None


def test_supervisor_gives_up_after_repeated_quick_deaths(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.01)
    supervisor.add("broken", ["sh", "-c", "echo cannot read the model >&2; exit 3"], ready=None).add(
        "good", ["sleep", "60"]
    )
    supervisor.start()
    good = supervisor.pid("good")
    with pytest.raises(StartupError) as failure:
        supervisor.wait(20)
    assert "broken failed 5 times in a row" in failure.value.message
    assert "exit code 3" in failure.value.message
    assert "| cannot read the model" in failure.value.message
    assert sum("starting it again" in line for line in lines) == 4
    supervisor.stop()
    assert good
    assert not runs(good)


def test_child_that_dies_while_starting_stops_the_others(supervisor: Supervisor) -> None:
    supervisor.add("first", ["sleep", "60"]).start()
    first = supervisor.pid("first")
    supervisor.add("web", ["sh", "-c", "echo port 8700 is taken; exit 1"], ready=lambda: False)
    supervisor.add("slow", ["sleep", "60"], ready=lambda: False, ready_seconds=60)
    begun = time.monotonic()
    with pytest.raises(StartupError, match="web ended with exit code 1 while starting") as failure:
        supervisor.start()
    assert "| port 8700 is taken" in failure.value.message
    assert time.monotonic() - begun < 5
    assert first
    assert not runs(first)
    assert read_records(supervisor.data_dir) == []


def test_child_that_is_never_ready_is_told_and_stopped(supervisor: Supervisor) -> None:
    supervisor.add("mute", ["sleep", "60"], ready=lambda: False, ready_seconds=0.2)
    with pytest.raises(StartupError, match=r"mute was not ready after 0 s\. It wrote nothing"):
        supervisor.start()
    assert read_records(supervisor.data_dir) == []


def test_missing_program_is_told(supervisor: Supervisor) -> None:
    with pytest.raises(StartupError, match="ghost could not be started"):
        supervisor.add("ghost", ["/no/such/program"]).start()


def test_stubborn_child_is_killed_after_the_grace(supervisor: Supervisor, tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"trap '' TERM; touch {started}; while :; do sleep 0.05; done"
    supervisor.add("stubborn", ["sh", "-c", code], ready=started.exists, grace_seconds=0.2).start()
    pid = supervisor.pid("stubborn")
    supervisor.stop()
    assert pid
    assert not runs(pid)


def test_what_a_child_started_ends_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    code = f"(trap '' TERM HUP; sleep 60) & echo $! > {note}.new; mv {note}.new {note}; wait"
    supervisor.add("parent", ["sh", "-c", code], ready=note.exists).start()
    grandchild = int(note.read_text())
    assert runs(grandchild)
    supervisor.stop()
    until(lambda: not runs(grandchild))


def test_orphans_of_a_killed_child_end_before_it_comes_back(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "horses"
    supervisor.add("worker", ["sh", "-c", f"sleep 60 & echo $! >> {note}; wait"], ready=note.exists).start()
    until(lambda: note.read_text().strip())
    orphan, killed = int(note.read_text()), supervisor.pid("worker")
    assert killed
    os.kill(killed, signal.SIGKILL)
    until(lambda: supervisor.pid("worker") not in (None, killed))
    assert not runs(orphan)


def test_restart_gives_a_new_process(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.add("worker", ["sleep", "60"]).start()
    before = supervisor.pid("worker")
    supervisor.restart("worker")
    assert supervisor.pid("worker") not in (None, before)
    assert before
    assert not runs(before)
    assert lines == []


def test_children_write_private_files_and_logs(supervisor: Supervisor, tmp_path: Path) -> None:
    made = tmp_path / "made"
    supervisor.add("writer", ["sh", "-c", f"echo hello; touch {made}; exec sleep 60"], ready=made.exists).start()
    assert made.stat().st_mode & 0o077 == 0
    assert (tmp_path / "logs" / "writer.log").read_text() == "hello\n"


def test_large_log_is_set_aside(supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.supervisor.child.LOG_LIMIT_BYTES", 10)
    log = tmp_path / "logs" / "writer.log"
    log.parent.mkdir()
    log.write_text("a line of the last run\n")
    supervisor.add("writer", ["sh", "-c", "echo new; exec sleep 60"], ready=lambda: log.read_text() == "new\n").start()
    assert log.with_suffix(".log.1").read_text() == "a line of the last run\n"


def test_process_that_got_an_old_id_is_left_alone(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "run").mkdir()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as innocent:
        created = psutil.Process(innocent.pid).create_time()
        write_record(tmp_path, Record("postgres", innocent.pid, created - 100, signal.SIGTERM, 1.0))
        reap_leftovers(tmp_path, lines.append)
        assert runs(innocent.pid)
        assert lines == []
        assert read_records(tmp_path) == []
        innocent.kill()


PARENT = """
    import sys
    from pathlib import Path
    from app.supervisor import Supervisor, exit_on_signals

    folder = Path(sys.argv[1])
    with exit_on_signals(), Supervisor(folder) as supervisor:
        for name in ("first", "second"):
            code = f"trap 'echo {name} >> stopped; exit' TERM; touch {name}; while :; do sleep 0.02; done"
            supervisor.add(name, ["sh", "-c", code], cwd=folder, ready=(folder / name).exists).start()
        print("ready", supervisor.pid("first"), supervisor.pid("second"), flush=True)
        supervisor.wait()
"""


def _heed_hangups() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that supervises two children; its first line names their ids."""
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path)]
    # A test run under nohup passes an ignored SIGHUP on, which the product respects: here it must count.
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=_heed_hangups) as process:
        yield process
        process.kill()


def children_of(parent: subprocess.Popen[str]) -> list[int]:
    assert parent.stdout
    word, *ids = parent.stdout.readline().split()
    assert word == "ready"
    return [int(pid) for pid in ids]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_stops_everything_in_reverse_order(
    parent: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    ids = children_of(parent)
    parent.send_signal(number)
    assert parent.wait(10) == 128 + number
    assert not any(runs(pid) for pid in ids)
    assert (tmp_path / "stopped").read_text().split() == ["second", "first"]
    assert read_records(tmp_path) == []


def test_killed_parent_leaves_nothing_that_the_next_start_does_not_end(
    parent: subprocess.Popen[str], tmp_path: Path, lines: list[str]
) -> None:
    ids = children_of(parent)
    parent.kill()
    parent.wait()
    assert all(runs(pid) for pid in ids)
    reap_leftovers(tmp_path, lines.append)
    assert not any(runs(pid) for pid in ids)
    assert [line.split()[1] for line in lines] == ["second", "first"]
    assert read_records(tmp_path) == []


def test_record_that_vanishes_while_it_is_read_is_passed_over(tmp_path: Path) -> None:
    records_folder(tmp_path).mkdir(parents=True)
    write_record(tmp_path, Record("web", 1, 0.0, 1, 1))
    (records_folder(tmp_path) / "gone.json").symlink_to(tmp_path / "nothing")
    assert [record.name for record in read_records(tmp_path)] == ["web"]
