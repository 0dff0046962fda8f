"""`trainyard versions`: read the versions of datasets again and compare them with their digests (docs/versions.md)."""

from typing import Annotated
from uuid import UUID

import typer

from app.domain.permissions import SystemActor
from app.infra.db import transaction
from app.services import version_checks

app = typer.Typer(name="versions", help="Check the versions of datasets.", no_args_is_help=True)

OPERATOR = SystemActor("command line")


@app.callback()
def _group() -> None:
    """Keeps `verify` a command of its own: one alone would be the group."""


@app.command()
def verify(
    dataset: Annotated[UUID | None, typer.Option(help="Only the versions of this dataset; default: all.")] = None,
) -> None:
    """Read every version from its digest down to its samples. Exit code 1, and what is broken, if one is not whole."""
    from app.running import reached

    broken = checked = 0
    with reached(), transaction() as session:
        for found in version_checks.check_all(session, OPERATOR, dataset):
            checked += 1
            if found.fault:
                broken += 1
                typer.echo(f"{found.dataset} {found.version}: {found.fault}", err=True)
    if broken:
        raise typer.Exit(1)
    typer.echo(f"All {checked:,} versions are whole.")
