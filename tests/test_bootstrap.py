"""The script at the root: needs nothing but Python, does work once, repairs what a kill left, fails in plain words."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import psutil
import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "trainyard"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree with the script, locks and sources."""
    shutil.copy(SCRIPT, tmp_path)
    for name in ("requirements/cloud.lock", "requirements/dev.lock", "edge_node/requirements.lock", "app/app.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    return tmp_path


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script of that tree as a module, with an installer that writes down what it was asked for."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("TRAINYARD_TORCH", raising=False)
    spec = spec_from_loader("bootstrap_under_test", SourceFileLoader("bootstrap_under_test", str(root / "trainyard")))
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.work = []

    class Recorder:
        uv = Path("uv")

        def locked(self, path: str, folder: Path = root) -> None:
            module.work.append(path)

        def torch(self, kind: str) -> None:
            module.work.append(f"torch {kind}")

        def install(self, *arguments: str, **_more: object) -> None:
            module.work.append("edge")

    def make_web() -> None:
        with module.changing(module.WEB):
            module.work.append("web")
            module.put_stamp("web", module.STAMPS["web"][1]())

    real = module.make_venv
    monkeypatch.setattr(module, "make_venv", lambda folder, *_options: real(folder, "--without-pip"))
    monkeypatch.setattr(module, "Installer", Recorder)
    monkeypatch.setattr(module, "make_web", make_web)
    return module


def worked(script: ModuleType, *needs: str) -> list[str]:
    script.work.clear()
    script.set_up(*needs)
    return sorted(script.work)


CLOUD, DEV, EDGE = "requirements/cloud.lock", "requirements/dev.lock", "edge_node/requirements.lock"


def test_script_needs_nothing_but_python() -> None:
    tree = ast.parse(SCRIPT.read_text())
    imported = {
        name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    imported |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


def test_an_old_python_can_read_the_script_to_say_that_it_is_old() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
    assert os.access(SCRIPT, os.X_OK)


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2)])
def test_help_sets_nothing_up(root: Path, arguments: list[str], code: int) -> None:
    told = subprocess.run([sys.executable, root / "trainyard", *arguments], capture_output=True, text=True)
    assert told.returncode == code
    assert "demo [--once]" in told.stdout
    assert not (root / ".trainyard").exists()


def test_work_is_done_once(script: ModuleType) -> None:
    assert worked(script, "cloud", "edge", "web") == [EDGE, CLOUD, "torch cpu", "web"]
    assert worked(script, "cloud", "edge", "web") == []


def test_tools_of_the_tests_include_the_product(script: ModuleType) -> None:
    assert worked(script, "dev") == [DEV, "torch cpu"]
    assert worked(script, "cloud") == []


def test_changed_lock_is_installed_and_nothing_else(script: ModuleType, root: Path) -> None:
    worked(script, "cloud", "edge")
    (root / CLOUD).write_text("# other\n")
    assert worked(script, "cloud", "edge") == [CLOUD]


def test_changed_page_builds_the_front_end_again(script: ModuleType, root: Path) -> None:
    worked(script, "cloud", "edge", "web")
    (root / "app" / "app.py").write_text("# changed\n")
    assert worked(script, "cloud", "edge", "web") == ["web"]


@pytest.mark.parametrize(
    "name", ["app/__pycache__/app.cpython-311.pyc", "app/infra/db.py", "app/api/v1.py", "README.md"]
)
def test_what_no_page_shows_builds_nothing(script: ModuleType, root: Path, name: str) -> None:
    worked(script, "cloud", "web")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("changed")
    assert worked(script, "cloud", "web") == []


def test_deleted_front_end_is_built_again(script: ModuleType, root: Path) -> None:
    worked(script, "cloud", "web")
    shutil.rmtree(root / ".web")
    assert worked(script, "cloud", "web") == ["web"]


def test_edge_server_is_installed_again_when_its_sources_change(script: ModuleType, root: Path) -> None:
    (root / "edge_node" / "pyproject.toml").write_text("")
    assert worked(script, "cloud", "edge") == ["edge", EDGE, CLOUD, "torch cpu"]
    (root / "edge_node" / "node.py").write_text("# new\n")
    assert worked(script, "cloud", "edge") == ["edge", EDGE]
    assert not (root / ".trainyard" / "edge-build").exists()


def test_flavour_of_pytorch_stays_until_another_is_asked_for(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert worked(script, "cloud") == [CLOUD, "torch cpu"]
    monkeypatch.setenv("TRAINYARD_TORCH", "cuda")
    assert worked(script, "cloud") == [CLOUD, "torch cuda"]
    monkeypatch.delenv("TRAINYARD_TORCH")
    assert worked(script, "cloud") == []
    monkeypatch.setenv("TRAINYARD_TORCH", "gpu")
    with pytest.raises(script.Failure, match="'gpu'; it can be cpu or cuda"):
        script.set_up("cloud")


def test_kill_in_the_middle_makes_the_environment_anew(script: ModuleType, root: Path) -> None:
    worked(script, "cloud")
    half = root / ".venv" / "half-installed"
    half.touch()
    (root / ".venv" / ".unfinished").touch()
    assert worked(script, "cloud") == [CLOUD, "torch cpu"]
    assert not half.exists()


def test_moved_clone_makes_its_environment_anew(script: ModuleType, root: Path) -> None:
    worked(script, "cloud")
    (root / ".venv" / ".stamp-venv").write_text("/elsewhere/.venv")
    assert worked(script, "cloud") == [CLOUD, "torch cpu"]


def test_failure_shows_the_end_of_the_log(script: ModuleType) -> None:
    script.check_folder()
    with pytest.raises(script.Failure) as told:
        script.run(["sh", "-c", "for i in $(seq 40); do echo line $i; done; exit 7"])
    lines = str(told.value).splitlines()
    assert lines[0].startswith("exit code 7 of sh; the end of ")
    assert lines[1:] == [f"  | line {number}" for number in range(26, 41)]


def test_second_setup_waits_for_the_first(script: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.check_folder()
    code = f"import fcntl; f = open({str(root / '.trainyard/setup.lock')!r}, 'w'); f.write('4711'); f.flush()"
    code += "; fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        waiting = threading.Thread(target=worked, args=(script, "cloud"))
        waiting.start()
        end = time.monotonic() + 10
        shown = ""
        while "process 4711" not in shown and time.monotonic() < end:
            shown += capsys.readouterr().out
        assert "Waiting for another setup of this folder to end (process 4711)" in shown
        waiting.join(0.7)
        assert waiting.is_alive()
        assert script.work == []
        holder.communicate("\n")
        waiting.join(20)
    assert sorted(script.work) == [CLOUD, "torch cpu"]


def test_disk_without_room_is_told_first(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(script.LEAST_FREE_BYTES, "cpu", 10**18)
    with pytest.raises(script.Failure, match=r"the disk of .* is too full: .* GB free, setting up needs"):
        script.set_up("cloud")


def test_python_without_venv_says_which_package_has_it(root: Path) -> None:
    (root / "hidden").mkdir()
    (root / "hidden" / "ensurepip.py").write_text("raise ImportError('left out by the distribution')\n")
    env = {**os.environ, "PYTHONPATH": str(root / "hidden")}
    told = subprocess.run([sys.executable, root / "trainyard", "up"], capture_output=True, text=True, env=env)
    assert told.returncode == 1
    assert "sudo apt-get install python3-venv" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.fixture
def foreign_root() -> Iterator[Path]:
    """A tree that belongs to root and that everybody may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copy(SCRIPT, folder)
        yield Path(folder)


def test_folder_that_cannot_be_written_is_told(foreign_root: Path) -> None:
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    foreign_root.chmod(0o555)
    user = 65534 if os.geteuid() == 0 else None
    told = subprocess.run(
        [python, foreign_root / "trainyard", "up"], capture_output=True, text=True, user=user, cwd="/", check=False
    )
    assert told.returncode == 1
    assert f"{foreign_root} cannot be written to (Permission denied)" in told.stderr
    assert "Traceback" not in told.stderr


def test_ended_setup_leaves_no_child_running(root: Path) -> None:
    """SIGTERM while a step runs ends the step's processes too."""
    step = f"echo $$ > {root}/pid.new; mv {root}/pid.new {root}/pid; sleep 60"
    code = f"""
import importlib.machinery, importlib.util, sys
loader = importlib.machinery.SourceFileLoader("b", {str(root / "trainyard")!r})
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("b", loader))
loader.exec_module(module)
module.make_venv = lambda *_: module.run(["sh", "-c", {step!r}])
sys.exit(module.main(["up"]))
"""
    with subprocess.Popen([sys.executable, "-B", "-c", code], stdout=-1, stderr=-1) as setup:
        end = time.monotonic() + 10
        while not (root / "pid").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        setup.send_signal(signal.SIGTERM)
        setup.communicate(timeout=10)
    assert setup.returncode == 128 + signal.SIGTERM
    group = int((root / "pid").read_text())
    left = [process for process in psutil.process_iter() if process.pid == group or parent_of(process) == group]
    assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []


def parent_of(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0
