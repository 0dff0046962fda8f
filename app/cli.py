"""The command line: `./trainyard COMMAND`. Each command is a few lines over the services; errors are one plain line."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError

from app.audit_cli import app as audit
from app.data_cli import export_dataset, import_dataset
from app.domain.permissions import Plan, Role, SystemActor
from app.errors import DomainError, Invalid
from app.infra.db import transaction
from app.keys_cli import app as keys
from app.logs import configure_logging
from app.settings import get_settings
from app.versions_cli import app as versions

cli = typer.Typer(name="trainyard", no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
users_cli = typer.Typer(name="users", help="People of this installation.", no_args_is_help=True)
organizations_cli = typer.Typer(name="organizations", help="Customers and their plan.", no_args_is_help=True)
cli.add_typer(users_cli)
cli.add_typer(organizations_cli)
cli.add_typer(keys)
cli.add_typer(audit)
cli.add_typer(versions)
cli.command("import")(import_dataset)
cli.command("export")(export_dataset)

OPERATOR = SystemActor("command line")


@contextmanager
def _servers() -> Iterator[None]:
    """Reach the database: that of the running product, or one started for the time of the command."""
    from app.running import reached

    with reached():
        yield


@cli.command()
def up() -> None:
    """Start the product and keep it running until Ctrl-C."""
    from app.running import Product
    from app.supervisor import exit_on_signals

    with exit_on_signals(), Product(get_settings()) as product:
        _explain_first_steps()
        product.wait()


@cli.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop everything at the end; exit 0 only if all happened.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Walk the loop again where it was walked before.")] = False,
) -> None:
    """Start the product and walk the whole loop on real data, through the public API."""
    from app.demo.walk import run

    raise typer.Exit(run(once=once, again=again or once))


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    with _servers():
        typer.echo("The database schema is current.")


@cli.command()
def doctor() -> None:
    """Say in plain words what is missing or misconfigured."""
    from app.doctor import diagnose

    checks = diagnose(dict(os.environ))
    for check in checks:
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
        if not check.ok and check.advice:
            typer.echo(f"      → {check.advice}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


@cli.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(
            help="start: seconds to the first page; live: delay of the live channel; data: datasets and labels."
        ),
    ],
    only: Annotated[list[str] | None, typer.Option(help="data: a figure to measure; may be repeated.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the result to this file.")] = None,
) -> None:
    """Measure something, on this machine, now."""
    from app.bench import BENCHES, ON_THEIR_OWN, machine

    if name not in BENCHES:
        raise Invalid(f"There is no bench {name!r}. There are: {', '.join(BENCHES)}.")
    if only and name != "data":
        raise Invalid("--only chooses figures of `bench data`.")
    with nullcontext() if name in ON_THEIR_OWN else _servers():
        result = BENCHES[name](only) if only else BENCHES[name]()
    text = json.dumps({"bench": name, "machine": machine(), **result}, indent=2)
    typer.echo(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


@cli.command()
def openapi(out: Annotated[Path | None, typer.Option(help="A file; default: the screen.")] = None) -> None:
    """Print the OpenAPI document."""
    from app.api.app import create_api

    text = json.dumps(create_api().openapi(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)


@users_cli.command("create")
def create_user(
    email: str,
    name: Annotated[str, typer.Option(help="How the person is called.")],
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.SUPER_ADMIN,
    organization_id: Annotated[int | None, typer.Option(help="Needed for an organization admin.")] = None,
) -> None:
    """Create a person; the password is asked for, or read from the standard input."""
    from app.schemas.people import UserCreate
    from app.services import users

    password = _ask_password()
    request = UserCreate(
        email=email, name=name, password=SecretStr(password), role=role, organization_id=organization_id
    )
    with _servers(), transaction() as session:
        view = users.create(session, OPERATOR, request)
    typer.echo(f"Created {view.email} ({view.role}).")


@users_cli.command("token")
def create_token(
    email: str,
    out: Annotated[Path, typer.Option(help="A new file, readable by you only.")],
    name: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it is valid.")] = 30,
) -> None:
    """Write an API token of a person into a file; for whoever runs the server."""
    from app.auth import actors, tokens
    from app.schemas.people import ApiTokenCreate

    request = ApiTokenCreate(name=name, scope="full", days=days)
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Invalid(f"{out} cannot be written: {error.strerror}. Name a new file.") from error
    with os.fdopen(descriptor, "w") as file:
        try:
            with _servers(), transaction() as session:
                created = tokens.create_token(session, actors.person_by_email(session, email.lower()), request)
        except BaseException:
            out.unlink()
            raise
        file.write(created.token + "\n")
    typer.echo(f"Wrote a token of {email}, valid for {days} days, to {out}.")


@users_cli.command("list")
def list_users() -> None:
    """Everybody: address, role, organization, whether they may sign in, and when they last did."""
    from app.schemas.people import UserFilter
    from app.services import users

    with _servers(), transaction() as session:
        cursor: str | None = None
        while True:
            page = users.list_users(session, OPERATOR, UserFilter(sort="email"), cursor, 200)
            for user in page.items:
                place = f"organization {user.organization_id}" if user.organization_id else "-"
                signed_in = f"{user.last_sign_in_at:%Y-%m-%d %H:%M} UTC" if user.last_sign_in_at else "never"
                state = "active" if user.is_active else "disabled"
                typer.echo("\t".join((user.email, user.role, place, state, signed_in)))
            cursor = page.next_cursor
            if cursor is None:
                return


@users_cli.command("disable")
def disable_user(email: str) -> None:
    """Let a person sign in no more: every session ends, every API token is revoked."""
    _set_active(email, is_active=False)
    typer.echo(f"{email} is disabled and signed out everywhere.")


@users_cli.command("enable")
def enable_user(email: str) -> None:
    """Let a disabled person sign in again. Revoked API tokens stay revoked."""
    _set_active(email, is_active=True)
    typer.echo(f"{email} may sign in.")


@users_cli.command("set-password")
def set_password(email: str) -> None:
    """Give a person another password, asked for or read from the standard input; every session ends."""
    from app.schemas.people import NewPassword
    from app.services import users

    request = NewPassword(password=SecretStr(_ask_password()))
    with _servers(), transaction() as session:
        view = users.set_password(session, OPERATOR, users.by_email(session, OPERATOR, email).id, request.password)
    typer.echo(f"{view.email} signs in with the new password from now on.")


def _set_active(email: str, *, is_active: bool) -> None:
    from app.schemas.people import UserUpdate
    from app.services import users

    with _servers(), transaction() as session:
        person = users.by_email(session, OPERATOR, email)
        request = UserUpdate(**{**person.model_dump(include=set(UserUpdate.model_fields)), "is_active": is_active})
        users.update(session, OPERATOR, person.id, request)


@organizations_cli.command("create")
def create_organization(name: str, plan: Annotated[Plan, typer.Option(help="The plan.")] = Plan.PROFESSIONAL) -> None:
    """Create an organization."""
    from app.schemas.people import OrganizationCreate
    from app.services import organizations

    with _servers(), transaction() as session:
        view = organizations.create(session, OPERATOR, OrganizationCreate(name=name, plan=plan))
    typer.echo(f"Created organization {view.id}: {view.name} ({view.plan}).")


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def _explain_first_steps() -> None:
    from sqlmodel import select

    from app.tables import User

    with transaction() as session:
        anyone = session.exec(select(User.id).limit(1)).first()
    if anyone is None:
        typer.echo("Nobody can sign in yet. In another terminal: ./trainyard users create you@example.org --name You")


def main() -> None:
    """Run a command; expected failures are one line and exit code 1."""
    try:
        configure_logging("cli")
        cli(prog_name="trainyard")
    except DomainError as error:
        typer.echo(f"Error: {error.message}", err=True)
        sys.exit(1)
    except ValidationError as error:
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"]) or "settings"
            typer.echo(f"Error: {where}: {fault['msg'].removeprefix('Value error, ')}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
