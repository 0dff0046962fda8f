"""The embedded servers are real, private, supervised, and keep their data through restarts and kills."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import minio
import psutil
import psycopg
import pytest
import redis

from app.infra.embedded import Stack, embedded_settings, folders, postgres, servers
from app.supervisor import StartupError
from app.supervisor.leftovers import read_records

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("postgres", "valkey", "s3")


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for a condition; fails the test when it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.02)


def database(env: dict[str, str]) -> psycopg.Connection:
    return psycopg.connect(env["TRAINYARD_DATABASE_URL"].replace("+psycopg", ""), autocommit=True)


def queue(env: dict[str, str]) -> redis.Redis:
    return redis.Redis.from_url(env["TRAINYARD_REDIS_URL"])


def store(env: dict[str, str], secret: str | None = None) -> minio.Minio:
    return minio.Minio(
        env["TRAINYARD_S3_ENDPOINT"],
        access_key=env["TRAINYARD_S3_ACCESS_KEY"],
        secret_key=secret or env["TRAINYARD_S3_SECRET_KEY"],
        secure=False,
        region="us-east-1",
    )


def write(env: dict[str, str], text: str) -> None:
    with database(env) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (body text)")
        connection.execute("INSERT INTO notes VALUES (%s)", (text,))
    queue(env).set(f"note:{text}", text)
    if not store(env).bucket_exists("notes"):
        store(env).make_bucket("notes")
    store(env).put_object("notes", text, io.BytesIO(text.encode()), len(text))


def holds(env: dict[str, str], text: str) -> bool:
    with database(env) as connection:
        row = connection.execute("SELECT 1 FROM notes WHERE body = %s", (text,)).fetchone()
    kept = queue(env).get(f"note:{text}") == text.encode()
    return bool(row) and kept and store(env).get_object("notes", text).data == text.encode()


def server_processes(data_dir: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in ("postgres", "valkey-server", "rclone"):
            try:
                if str(data_dir) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose database has been made once."""
    folder = tmp_path_factory.mktemp("cluster")
    with servers(folder, {}):
        return folder


@pytest.fixture
def data_dir(cluster: Path, tmp_path: Path) -> Path:
    """A fresh data folder with a database, without the time that making one takes."""
    shutil.copytree(cluster / "postgres", tmp_path / "postgres")
    return tmp_path


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running stack for the tests that do not end it."""
    with Stack(tmp_path_factory.mktemp("stack"), {}, report=lambda _line: None) as made:
        yield made


def test_all_three_serve(stack: Stack) -> None:
    write(stack.env, "first")
    assert holds(stack.env, "first")


def test_database_sorts_by_code_point_and_takes_enough_connections(stack: Stack) -> None:
    with database(stack.env) as connection:
        told = connection.execute(
            "SELECT datcollate, current_setting('max_connections'), current_setting('listen_addresses') "
            "FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert told == ("C.UTF-8", "100", "")


def test_secrets_and_data_are_for_the_owner_only(stack: Stack) -> None:
    secret = stack.env["TRAINYARD_S3_SECRET_KEY"]
    assert len(secret) >= 32
    for name in NAMES:
        pid = stack.supervisor.pid(name)
        assert pid
        assert secret not in " ".join(psutil.Process(pid).cmdline())
    write(stack.env, "private")
    found = [path for path in stack.data_dir.rglob("*") if not path.is_socket()]
    assert [path for path in found if path.lstat().st_mode & 0o077] == []
    assert (stack.data_dir / "run").stat().st_mode & 0o777 == 0o700


def test_store_refuses_a_wrong_secret(stack: Stack) -> None:
    with pytest.raises(minio.error.MinioException):
        store(stack.env, "wrong" * 8).list_buckets()


def test_second_instance_on_the_same_folder_is_refused(stack: Stack) -> None:
    with pytest.raises(StartupError, match=rf"already running .*process {os.getpid()}"):
        Stack(stack.data_dir, {}).start()
    assert holds_connection(stack)


def holds_connection(stack: Stack) -> bool:
    with database(stack.env) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_other_commands_find_the_running_servers(stack: Stack) -> None:
    assert embedded_settings(stack.data_dir) == stack.env
    assert (stack.data_dir / "runtime.json").stat().st_mode & 0o777 == 0o600
    with servers(stack.data_dir, {}) as env:
        assert env == stack.env


def test_note_of_a_process_that_is_gone_counts_as_absent(tmp_path: Path) -> None:
    note = '{"pid": %d, "create_time": 1.0, "settings": {"TRAINYARD_REDIS_URL": "unix:///nowhere"}}'
    (tmp_path / "runtime.json").write_text(note % os.getpid())
    assert embedded_settings(tmp_path) == {}
    (tmp_path / "runtime.json").write_text("{")
    assert embedded_settings(tmp_path) == {}


@pytest.mark.parametrize("name", NAMES)
def test_killed_server_comes_back_with_its_data_at_its_address(stack: Stack, name: str) -> None:
    write(stack.env, f"before-{name}")
    killed = stack.supervisor.pid(name)
    assert killed
    os.kill(killed, signal.SIGKILL)
    until(lambda: stack.supervisor.pid(name) not in (None, killed))
    until(lambda: answers(stack, name))
    assert holds(stack.env, f"before-{name}")


def answers(stack: Stack, name: str) -> bool:
    try:
        return holds(stack.env, f"before-{name}")
    except (psycopg.OperationalError, redis.ConnectionError, OSError, minio.error.MinioException):
        return False


def test_stop_and_start_keep_data_and_addresses(data_dir: Path) -> None:
    with servers(data_dir, {}) as first:
        write(first, "kept")
    assert server_processes(data_dir) == []
    assert embedded_settings(data_dir) == {}
    assert read_records(data_dir) == []
    taken, lines = int(first["TRAINYARD_S3_ENDPOINT"].split(":")[1]), []
    with servers(data_dir, {}) as again:
        assert again == first
        assert holds(again, "kept")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        with Stack(data_dir, {}, report=lines.append) as moved:
            assert moved.env["TRAINYARD_S3_ENDPOINT"] != first["TRAINYARD_S3_ENDPOINT"]
            assert holds(moved.env, "kept")
    assert lines == [f"Port {taken} of the embedded S3 server is taken by another program; using a new one"]


PARENT = """
    import sys
    from pathlib import Path
    from app.infra.embedded import Stack
    from app.supervisor import exit_on_signals

    with exit_on_signals(), Stack(Path(sys.argv[1]), {}) as stack:
        print("ready", flush=True)
        stack.supervisor.wait()
"""


def start_parent(data_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(data_dir)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
    return process


def test_killed_parent_is_cleaned_up_after_and_loses_nothing(data_dir: Path) -> None:
    parent = start_parent(data_dir)
    write(embedded_settings(data_dir), "survivor")
    parent.kill()
    parent.wait()
    left = server_processes(data_dir)
    assert {process.name() for process in left} == {"postgres", "valkey-server", "rclone"}
    lines: list[str] = []
    with Stack(data_dir, {}, report=lines.append) as stack:
        assert holds(stack.env, "survivor")
        assert not any(process.is_running() and process in server_processes(data_dir) for process in left)
    assert len(lines) == 3
    assert all(line.startswith("Stopping") and "left over" in line for line in lines)


def test_terminated_parent_leaves_nothing_running(data_dir: Path) -> None:
    parent = start_parent(data_dir)
    parent.terminate()
    assert parent.wait(15) == 128 + signal.SIGTERM
    assert server_processes(data_dir) == []


def test_deep_folder_gets_short_private_sockets(cluster: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    shutil.copytree(cluster / "postgres", deep / "postgres")
    with Stack(deep, {}, report=lambda _line: None) as stack:
        sockets = Path(stack.env["TRAINYARD_DATABASE_URL"].split("host=")[1])
        assert not sockets.is_relative_to(deep)
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert holds_connection(stack)
    assert not sockets.exists()


def test_data_of_another_postgres_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir(mode=0o700)
    (tmp_path / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(StartupError, match=r"made by PostgreSQL 14, .* brings PostgreSQL \d+.*pg_dump"):
        Stack(tmp_path, {}, report=lambda _line: None).start()
    assert server_processes(tmp_path) == []


def test_interrupted_first_start_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with Stack(tmp_path, {}, report=lambda _line: None) as stack:
        assert holds_connection(stack)


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match=r"cannot be made: Not a directory.*TRAINYARD_DATA_DIR"):
        Stack(tmp_path / "file" / "data", {}).start()


def test_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "LEAST_FREE_BYTES", 10**18)
    with pytest.raises(StartupError, match=r"is full: .* MB free"):
        Stack(tmp_path, {}).start()
    assert server_processes(tmp_path) == []


def test_missing_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="no PostgreSQL program at /nowhere/postgres"):
        Stack(tmp_path, {"TRAINYARD_PG_BIN": "/nowhere"}).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user for PostgreSQL")
def test_root_without_namespaces_runs_postgres_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "root_prefix", tuple)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            with Stack(Path(folder), {}, report=lambda _line: None) as stack:
                pid = stack.supervisor.pid("postgres")
                assert pid
                assert psutil.Process(pid).uids().real == postgres.NOBODY
                assert holds_connection(stack)
        except StartupError as error:
            assert "the user `nobody` may not reach" in error.message  # noqa: PT017 a checkout closed to others
