"""Every use case that writes rows writes an audit event too: the services are walked along their calls.

A function writes if it adds, deletes or changes a row, or sends INSERT, UPDATE or DELETE; it audits if it calls
`audit.record` or `audit.refused`. Both pass on to whoever calls it. A use case is what others than services and auth
call.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSIDE = ("app/services", "app/auth")
OUTSIDE = ("app/api", "state", "workers", "app/keys_cli", "app/cli.py", "app/audit_cli.py", "app/demo")
EVENTS = {"app.services.audit.record", "app.services.audit.refused"}
STATEMENTS = {"insert", "update", "delete", "delete_rows"}
# Use cases that write and are no change that anybody would look for in the log.
NOT_AUDITED = {
    "app.services.audit_chain.seal": "links events and changes none",
    "app.services.edge_nodes.heartbeat": "how a node is, every few seconds; what it was told to do is audited",
    "app.services.job_runs.report": "points and log lines, four times a second; beginning and end are audited",
    "app.services.upload_folders.forget": "opening is audited; what nobody registered never was a sample",
    "app.services.transfer_files.forget": "the export or import is audited; its files go after a time, as documented",
    "app.services.video_uploads.receive": "writes a file and no row; registering it is audited",
    "app.services.thumbnails.record": "a thumbnail is made from a file that is audited, and changes nothing about it",
    "app.services.transfer_attempts.report": "how far it is, every two seconds; what came of it is audited",
    "app.services.webhook_attempts.begin": "the log of deliveries is its own log",
    "app.services.webhook_attempts.conclude": "the log of deliveries is its own log",
    "app.services.webhook_attempts.forget_old": "the log of deliveries goes back 30 days, as documented",
    "app.services.labelling_queue.next_sample": "leases last a minute and change no record; what is saved is audited",
    "app.services.sample_leases.release": "leases last a minute and change no record; what is saved is audited",
    "app.services.idempotency.claim": "bookkeeping of a request whose change is audited",
    "app.services.idempotency.keep": "bookkeeping of a request whose change is audited",
    "app.services.idempotency.forget_old": "keys are kept for a day, as documented",
    "app.auth.sessions.actor_of_session": "notes when a session was used",
    "app.auth.tokens.actor_of_token": "notes when a token was used",
}


@dataclass
class Function:
    """A function and what it calls, by full names."""

    writes: bool = False
    calls: set[str] = field(default_factory=set)


def parsed(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        path = ROOT / folder
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield str(file.relative_to(ROOT)).removesuffix(".py").replace("/", "."), ast.parse(file.read_text())


def imported(tree: ast.Module) -> dict[str, str]:
    """What names of a module stand for elsewhere."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def referred(tree: ast.AST, names: dict[str, str]) -> set[str]:
    """Full names of everything that a piece of code names, called now or handed on to be called."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(names.get(node.id, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{names.get(node.value.id, node.value.id)}.{node.attr}")
    return found


def writes(function: ast.FunctionDef, names: dict[str, str]) -> bool:
    for node in ast.walk(function):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute):
            if ast.unparse(called.value) == "session" and called.attr in {"add", "add_all", "delete"}:
                return True
            if called.attr == "sqlmodel_update":
                return True
        if isinstance(called, ast.Name) and called.id in STATEMENTS and "sql" in names.get(called.id, ""):
            return True
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        parts = [part for target in targets for part in getattr(target, "elts", [target])]
        if any(isinstance(part, ast.Attribute) and ast.unparse(part.value) != "self" for part in parts):
            return True
    return False


def functions() -> dict[str, Function]:
    """Every function of services and auth."""
    found = {}
    for module, tree in parsed(*INSIDE):
        own = {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)}
        names = imported(tree) | own
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                shadowed = {argument.arg: "" for argument in [*node.args.args, *node.args.kwonlyargs]}
                found[own[node.name]] = Function(writes(node, names), referred(node, names | shadowed))
    return found


def reaches(name: str, known: dict[str, Function]) -> set[str]:
    """`name` and every function that it may call, and what those may."""
    seen, waiting = set(), [name]
    while waiting:
        part = waiting.pop()
        if part in known and part not in seen:
            seen.add(part)
            waiting += known[part].calls
    return seen


def use_cases(known: dict[str, Function]) -> set[str]:
    """What is named outside of services and auth. A name that is imported on is followed to where it stands."""
    passed_on = {f"{module}.{name}": full for module, tree in parsed(*INSIDE) for name, full in imported(tree).items()}
    named = {name for _, tree in parsed(*OUTSIDE) for name in referred(tree, imported(tree))}
    return {passed_on.get(name, name) for name in named} & set(known)


KNOWN = functions()
WRITING = sorted(case for case in use_cases(KNOWN) if any(KNOWN[part].writes for part in reaches(case, KNOWN)))


def test_the_walk_finds_what_writes() -> None:
    assert len(WRITING) > 50
    assert {"app.services.reviews.verify", "app.auth.sessions.sign_out", "app.services.trust.refresh"} <= set(WRITING)
    assert "app.services.datasets.list_datasets" not in WRITING


@pytest.mark.parametrize("case", WRITING)
def test_use_case_that_writes_is_audited_or_says_why_not(case: str) -> None:
    audited = bool(EVENTS & reaches(case, KNOWN))
    assert audited or case in NOT_AUDITED, f"{case} changes rows and calls audit.record nowhere"
    assert not (audited and case in NOT_AUDITED), f"{case} is audited; take it off the list"


def test_every_exception_still_exists() -> None:
    assert set(NOT_AUDITED) <= set(KNOWN)


@pytest.mark.parametrize("case", ["app.services.model_versions.bundle_url", "app.services.edge_nodes.download"])
def test_download_of_a_model_is_audited(case: str) -> None:
    assert "app.services.audit.record" in reaches(case, KNOWN)
