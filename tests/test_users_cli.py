"""`./trainyard users …`: what whoever runs the server does with people, without a password on any command line."""

from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from app.auth.own_password import sign_in
from app.cli import cli
from app.errors import Conflict, NotFound, SignInFailed
from app.infra.db import transaction
from app.schemas.people import SignIn
from app.settings import get_settings
from app.tables import User
from tests.support.people import PASSWORD, Person

NEW = "another correct horse"


@pytest.fixture(autouse=True)
def _installation(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own, in which nothing runs, on the servers of the test."""
    monkeypatch.setenv("TRAINYARD_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()


def users(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["users", *arguments], input=typed)


def signs_in(person: Person, password: str) -> bool:
    request = SignIn.model_validate({"email": person.email, "password": password})
    try:
        with transaction() as session:
            sign_in(session, request, "test")
    except SignInFailed:
        return False
    return True


def test_disabled_person_signs_in_no_more_until_enabled(super_admin: Person, member: Person) -> None:
    assert signs_in(member, PASSWORD)
    assert users("disable", member.email.upper()).exit_code == 0
    assert not signs_in(member, PASSWORD)
    assert "disabled" in users("list").output
    assert users("enable", member.email).exit_code == 0
    assert signs_in(member, PASSWORD)


def test_last_super_admin_is_not_disabled(super_admin: Person) -> None:
    assert isinstance(users("disable", super_admin.email).exception, Conflict)


def test_password_comes_from_the_standard_input_and_never_from_an_argument(member: Person) -> None:
    assert users("set-password", member.email, NEW).exit_code == 2
    assert signs_in(member, PASSWORD)
    done = users("set-password", member.email, typed=f"{NEW}\n")
    assert done.exit_code == 0, done.output
    assert NEW not in done.output
    assert [signs_in(member, password) for password in (PASSWORD, NEW)] == [False, True]


def test_list_shows_everybody_and_no_secret(super_admin: Person, member: Person) -> None:
    lines = users("list").output.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        [super_admin.email, "super_admin"],
        [member.email, "member"],
    ]
    with transaction() as session:
        hashes = [row.password_hash or "" for row in session.exec(select(User))]
    assert not [line for line in lines if any(secret in line for secret in hashes)]


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_unknown_address_is_said(command: str) -> None:
    assert isinstance(users(command, "nobody@example.test").exception, NotFound)
