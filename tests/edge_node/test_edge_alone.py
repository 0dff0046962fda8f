"""The edge node is on its own: what it imports, what it is made of, and that its settings are documented."""

import ast
import dataclasses
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from edge_support.node import PROJECT

from edge_node.config import Settings, load_settings
from edge_node.errors import Misconfigured

SOURCE = PROJECT / "edge_node"
FORBIDDEN = {
    "app",
    "state",
    "components",
    "workers",
    "torch",
    "reflex",
    "sqlmodel",
    "sqlalchemy",
    "lightning",
    "fastapi",
}
ALLOWED = {"edge_node", "onnxruntime", "numpy", "PIL", "httpx", "tuf", "cryptography", "starlette", "uvicorn", "anyio"}
IMPORT_ALL = """
import importlib, pathlib, sys
for path in sorted(pathlib.Path("edge_node").glob("*.py")):
    if path.stem != "__main__":
        importlib.import_module("edge_node" if path.stem == "__init__" else f"edge_node.{path.stem}")
importlib.import_module("edge_node.__main__")
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def modules_after_importing_everything(python: str, *paths: Path) -> set[str]:
    done = subprocess.run(
        [python, "-c", IMPORT_ALL], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True,
        env={"PYTHONPATH": os.pathsep.join(map(str, (*paths, PROJECT)))},
    )  # fmt: skip
    return set(done.stdout.split())


def test_a_fresh_interpreter_of_the_edge_imports_nothing_of_the_cloud(edge_python: Path) -> None:
    loaded = modules_after_importing_everything(str(edge_python))

    assert {"edge_node", "onnxruntime", "tuf"} <= loaded
    assert not loaded & FORBIDDEN


def test_nothing_of_the_cloud_is_imported_even_where_it_is_installed(tmp_path: Path) -> None:
    """With the cloud's interpreter, where torch and reflex could be had; what it lacks are empty stand-ins."""
    (tmp_path / "onnxruntime/capi").mkdir(parents=True)
    (tmp_path / "onnxruntime/__init__.py").touch()
    (tmp_path / "onnxruntime/capi/__init__.py").touch()
    (tmp_path / "onnxruntime/capi/onnxruntime_pybind11_state.py").write_text("def __getattr__(name): return Exception")
    (tmp_path / "uvicorn.py").touch()

    loaded = modules_after_importing_everything(sys.executable, tmp_path)

    assert "edge_node" in loaded
    assert not loaded & FORBIDDEN


def test_source_names_only_the_declared_dependencies() -> None:
    named = set()
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                named |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                named.add(str(node.module).split(".")[0])

    assert named - set(sys.stdlib_module_names) <= ALLOWED


def test_requirements_are_pinned_exactly_and_in_the_lock() -> None:
    lock = (SOURCE / "requirements.lock").read_text()
    wanted = [line for line in (SOURCE / "requirements.in").read_text().splitlines() if line and line[0] != "#"]

    assert wanted
    for requirement in wanted:
        assert "==" in requirement
        assert f"\n{requirement} " in f"\n{lock}", f"{requirement} is not in requirements.lock"


def test_distribution_is_its_own() -> None:
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]

    assert project["name"] == "trainyard-edge"
    assert project["scripts"] == {"trainyard-edge": "edge_node.__main__:main"}


def test_every_setting_is_documented() -> None:
    readme = (SOURCE / "README.md").read_text()
    for field in dataclasses.fields(Settings):
        assert f"| `TRAINYARD_EDGE_{field.name.upper()}` |" in readme


def test_flags_come_before_variables_and_both_before_defaults() -> None:
    environment = {"TRAINYARD_EDGE_PORT": "1", "TRAINYARD_EDGE_HOST": "::1", "TRAINYARD_EDGE_NAME": ""}

    settings = load_settings({"port": "2", "host": None}, environment)

    assert (settings.port, settings.host, settings.name, settings.intra_op_threads) == (2, "::1", "", 1)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "many", "TRAINYARD_EDGE_PORT is 'many'; a number is needed."),
        ("PORT", "70000", "The port is 70000"),
        ("INTRA_OP_THREADS", "0", "TRAINYARD_EDGE_INTRA_OP_THREADS is 0; it must be more than 0."),
        ("RETRY_SECONDS", "-1", "TRAINYARD_EDGE_RETRY_SECONDS is -1.0; it must be more than 0."),
        ("LOG_LEVEL", "loud", "TRAINYARD_EDGE_LOG_LEVEL is 'loud'"),
    ],
)
def test_setting_that_makes_no_sense_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_settings({}, {f"TRAINYARD_EDGE_{name}": value})
    assert str(caught.value).startswith(said)
