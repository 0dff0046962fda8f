"""The rules of the house that a machine can check: who imports whom, where a commit may stand, what is documented."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "state", "components", "workers", "edge_node")
MAX_LINES = 350
# Called by services on rows that these have locked, and by no caller from outside.
SERVE_SERVICES = {"app/services/audit.py:record", "app/services/audit.py:refused", "app/services/job_runs.py:end"}
# The two threads of an edge node: a fault is reported to the cloud and must not end them.
CATCH_ALL = ["edge_node/agent.py"] * 2
# Drivers and clients of servers belong to app/infra.
DRIVERS = {"psycopg", "redis", "rq", "minio", "boto3"}


def sources(*folders: str) -> Iterator[tuple[str, ast.Module, str]]:
    """(path, syntax tree, text) of every module."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "/build/" not in name and ".egg-info" not in name:
                text = path.read_text()
                yield name, ast.parse(text), text


def test_import_contracts_are_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr


def test_only_one_module_commits() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, tree, _ in sources(*PACKAGES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "commit" and name != "app/infra/db.py"
    ]
    assert found == []


def test_nothing_catches_everything() -> None:
    found = []
    for name, tree, _ in sources(*PACKAGES):
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = {getattr(part, "id", "") for part in ast.walk(node.type)} if node.type else {"everything"}
            raises_again = any(isinstance(part, ast.Raise) and part.exc is None for part in ast.walk(node))
            if caught & {"Exception", "BaseException", "everything"} and not raises_again:
                found.append(name)
    assert found == CATCH_ALL


def test_drivers_are_imported_in_infra_only() -> None:
    found = set()
    for name, tree, _ in sources("app", "state", "components"):
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            if {module.split(".")[0] for module in modules} & DRIVERS and not name.startswith("app/infra/"):
                found.add(name)
    assert found == set()


def test_every_module_says_what_it_is() -> None:
    silent = [name for name, tree, text in sources(*PACKAGES, "tests") if text.strip() and not ast.get_docstring(tree)]
    assert silent == []


def test_no_file_is_a_maze() -> None:
    long = {name: lines for name, _, text in sources(*PACKAGES, "tests") if (lines := text.count("\n")) > MAX_LINES}
    assert long == {}


def service_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every public function of the services that takes a session and an actor."""
    for name, tree, _ in sources("app/services"):
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names = [argument.arg for argument in node.args.args[:2]]
                kind = ast.unparse(node.args.args[1].annotation or ast.Constant("")) if len(names) == 2 else ""
                if names == ["session", "actor"] and kind == "Actor":
                    yield f"{name}:{node.name}", node


def first_call(node: ast.FunctionDef) -> str:
    """The name of the function that the first statement after the docstring calls."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    calls = [part for part in ast.walk(body[0]) if isinstance(part, ast.Call)] if body else []
    return ast.unparse(calls[0].func) if calls else ""


def helpers_that_require(path: str) -> set[str]:
    """Private helpers of a module whose own first statement is `require`."""
    tree = ast.parse((ROOT / path).read_text())
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and first_call(n) == "require"}


def test_every_service_asks_for_a_permission_first() -> None:
    found, checked = [], 0
    for label, node in service_functions():
        path = label.split(":")[0]
        if path == "app/services/access.py" or label in SERVE_SERVICES:
            continue
        checked += 1
        call = first_call(node)
        if call != "require" and call not in helpers_that_require(path):
            found.append(f"{label} begins with {call or 'something else'}")
    assert checked > 40
    assert found == []


def test_endpoints_go_through_a_service_or_say_why_not() -> None:
    """Only `run(...)` gives a service its actor; these open a transaction themselves because there is none yet."""
    found = [
        f"{name}:{node.name}"
        for name, tree, _ in sources("app/api/v1")
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(p, ast.Call) and ast.unparse(p.func) == "transaction" for p in ast.walk(node))
    ]
    assert found == [
        "app/api/v1/auth.py:sign_in",
        "app/api/v1/auth.py:sign_out",
        "app/api/v1/edge.py:enrol",
        "app/api/v1/live.py:_actor",
        "app/api/v1/live.py:_may_watch",
        "app/api/v1/oidc.py:callback",
    ]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_setting_is_in_the_configuration_table_of_the_readme(name: str) -> None:
    readme = (ROOT / "README.md").read_text()
    variable = f"TRAINYARD_{name}".upper()
    assert re.search(rf"^\|[^|\n]*`{variable}`[^\n]*\|", readme, re.M), f"README.md does not describe {variable}"


def test_readme_describes_no_setting_that_does_not_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    described = set(re.findall(r"^\| *`(TRAINYARD_[A-Z0-9_]+)`", readme, re.M))
    used = {
        match for name, _, text in sources("app", "edge_node") for match in re.findall(r"TRAINYARD_[A-Z0-9_]+", text)
    }
    used |= set(re.findall(r"TRAINYARD_[A-Z0-9_]+", (ROOT / "trainyard").read_text()))
    known = {f"TRAINYARD_{name}".upper() for name in Settings.model_fields} | used
    assert described <= known, described - known


# Failures that no caller of the API can meet: of workers, of the command line, or answered before they get out.
INSIDE = {
    "error",
    "answered-before",
    "attempt-over",
    "version-taken",
    "startup-failed",
    "demo-failed",
    "export-mismatch",
}
# A browser that comes back from a provider is led to a page that explains them (docs/sign-in.md).
ON_PAGES = {"oidc-invalid", "oidc-refused", "oidc-unavailable"}


def problem_types() -> set[str]:
    """Every `code` that a failure is given anywhere."""
    found: set[str] = set()
    for _, tree, _ in sources("app", "workers"):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                found.add(str(node.value.value))
            if isinstance(node, ast.ClassDef) and any(
                "Error" in b or b in known_errors() for b in map(ast.unparse, node.bases)
            ):
                found |= set(class_codes(node))
    return found


def known_errors() -> set[str]:
    """The names of the failures in `app/errors.py`."""
    import app.errors

    return {name for name in vars(app.errors) if name[0].isupper()}


def class_codes(node: ast.ClassDef) -> Iterator[str]:
    """`code = "…"`, alone or first of several."""
    for part in node.body:
        if isinstance(part, ast.Assign):
            target, value = part.targets[0], part.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                target, value = target.elts[0], value.elts[0]
            if ast.unparse(target) == "code" and isinstance(value, ast.Constant):
                yield str(value.value)


def test_every_problem_type_is_documented() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| \d{3} \|", (ROOT / "docs" / "api.md").read_text(), re.M)
    documented = {word for row in rows for word in re.findall(r"`([^`]+)`", row)}
    raised = problem_types() - INSIDE - ON_PAGES
    assert raised - documented == set()
    answered_elsewhere = {"bad-request", "unknown-host", "method-not-allowed", "internal-error"}
    assert documented - raised <= answered_elsewhere
