"""The commands of `trainyard audit`: prove the chain over the log, and take the log away (docs/audit.md)."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from app.domain.permissions import SystemActor
from app.errors import Invalid
from app.infra.db import transaction
from app.schemas.audit import AuditHead, AuditWanted
from app.services import audit_chain, audit_export

app = typer.Typer(name="audit", help="Check the audit log, and take it away.", no_args_is_help=True)

OPERATOR = SystemActor("command line")


@app.command()
def verify(
    head: Annotated[str | None, typer.Option(help="A head that was noted earlier; it must stand in the chain.")] = None,
) -> None:
    """Compute the whole chain again. Exit code 1 and the first broken link if anything was changed."""
    from app.running import reached

    noted = AuditHead(head=head).head
    with reached(), transaction() as session:
        found = audit_chain.verify(session, OPERATOR, noted)
    if found.problem is not None:
        typer.echo(f"The audit log was tampered with. {found.problem} Everything before that is whole.", err=True)
        raise typer.Exit(1)
    waiting = f"{found.waiting:,} more wait to be linked" if found.waiting else "none waits"
    typer.echo(f"The audit log is whole: {found.length:,} events are linked, {waiting}. Head {found.head}")


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="A new file, readable by you only.")],
    actor: Annotated[str | None, typer.Option(help="Only what this person, edge server or worker did.")] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this action; `model_version.` means all that begin so.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="From this moment on, as 2026-01-31T00:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this moment.")] = None,
) -> None:
    """Write events as JSON lines, each with its link, in the order of the chain."""
    from app.running import reached

    given: dict[str, Any] = {"actor": actor, "action": action, "since": since, "until": until}
    wanted = AuditWanted(**given)
    with reached():
        _link_what_waits()
        lines = _write(out, wanted)
    typer.echo(f"Wrote {lines:,} events to {out}.")


def _link_what_waits() -> None:
    """An export holds what is linked; where no reconciler runs, nobody else links."""
    linked = audit_chain.BATCH
    while linked == audit_chain.BATCH:
        with transaction() as session:
            linked = audit_chain.seal(session, OPERATOR)


def _write(out: Path, wanted: AuditWanted) -> int:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Invalid(f"{out} cannot be written: {error.strerror}. Name a new file.") from error
    lines, after = 0, audit_export.BEGINNING
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        while after is not None:
            with transaction() as session:
                part = audit_export.part(session, OPERATOR, wanted, after)
            file.write(part.lines)
            lines, after = lines + part.count, part.after
    return lines
