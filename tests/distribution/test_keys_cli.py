"""`trainyard keys` against a server over HTTP: what people do, and what their machine refuses to do for them."""

import base64
import json
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.distribution import approvals, keys, metadata, repository
from app.distribution.keys import KeyPair
from app.distribution.tuf_types import Targets
from app.keys_cli import app
from tests.distribution.cloud_double import TOKEN, CloudDouble, serve
from tests.distribution.world import NOW, YEAR, entry

PASSPHRASE = "four plain English words"
ONE, TWO, EVIL = entry("1.0.0"), entry("1.1.0"), entry("6.6.6")


@dataclass
class Desk:
    """A person's machine: a folder with key files, a token, and a server to talk to."""

    folder: Path
    cloud: CloudDouble

    def keys(self, command: str, *arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, [command, *arguments], input=answer)

    def online(self, command: str, *arguments: str, answer: str | None = None, yes: bool = True) -> Result:
        where = ["--url", self.cloud.url, "--token-file", self.path("token")]
        return self.keys(command, *arguments, *where, *(["--yes"] if yes else []), answer=answer)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def model(self, of: approvals.TargetEntry) -> str:
        return str(of.custom["model_version_id"])

    def sign(self, of: approvals.TargetEntry, *more: str, answer: str | None = None, yes: bool = True) -> Result:
        return self.online(
            "sign", "--model", self.model(of), "--key", self.path("ann.key"), *more, answer=answer, yes=yes
        )


@pytest.fixture(scope="module")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name, email in (("root", None), ("ann", "ann@example.com"), ("bob", "bob@example.com")):
        pair = KeyPair.generate(name.title(), email)
        (folder / f"{name}.key").write_text(keys.seal_key_file(pair, PASSPHRASE))
        (folder / f"{name}.key.pub").write_text(keys.write_public(pair.card))
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    (folder / "token").write_text(TOKEN + "\n")
    return folder


@pytest.fixture
def desk(tmp_path: Path, key_files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    folder = tmp_path / "desk"
    shutil.copytree(key_files, folder)
    monkeypatch.setenv("TRAINYARD_PASSPHRASE_FILE", str(folder / "passphrase"))
    cloud = CloudDouble()
    cloud.models = {str(one.custom["model_version_id"]): one for one in (ONE, TWO, EVIL)}
    with serve(cloud):
        yield Desk(folder, cloud)


@pytest.fixture
def rooted(desk: Desk) -> Desk:
    found = desk.online("init-root", "--root-key", desk.path("root.key"), "--approver", desk.path("ann.key"))
    assert found.exit_code == 0, found.output
    return desk


def approved(desk: Desk) -> list[str]:
    return sorted(metadata.load(Targets, desk.cloud.targets).signed.targets) if desk.cloud.targets else []


def test_created_key_opens_and_only_its_public_half_is_given_away(desk: Desk) -> None:
    found = desk.keys("create", "--name", "Cy", "--email", "cy@example.com", "--out", desk.path("cy.key"))
    assert found.exit_code == 0, found.output
    file, public = Path(desk.path("cy.key")), Path(desk.path("cy.key.pub"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pair = keys.open_key_file(file.read_text(), PASSPHRASE)
    assert keys.read_public(public.read_text()) == pair.card
    assert pair.keyid in desk.keys("show", str(public)).output
    assert pair.keyid in desk.keys("show", str(file)).output


def test_passphrase_is_asked_for_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINYARD_PASSPHRASE_FILE")
    arguments = ("create", "--name", "Cy", "--out", desk.path("cy.key"))
    found = desk.keys(*arguments, answer=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert found.exit_code == 0, found.output
    assert PASSPHRASE not in found.output
    assert keys.open_key_file(Path(desk.path("cy.key")).read_text(), PASSPHRASE).name == "Cy"


def test_key_file_is_never_overwritten(desk: Desk) -> None:
    before = Path(desk.path("ann.key")).read_text()
    found = desk.keys("create", "--name", "Cy", "--out", desk.path("ann.key"))
    assert found.exit_code == 1
    assert "exists already" in found.output
    assert Path(desk.path("ann.key")).read_text() == before


def test_weak_passphrase_leaves_no_file(desk: Desk) -> None:
    Path(desk.path("passphrase")).write_text("short")
    assert desk.keys("create", "--name", "Cy", "--out", desk.path("cy.key")).exit_code == 1
    assert not Path(desk.path("cy.key")).exists()


def test_root_names_the_approver_and_whose_account_it_is(rooted: Desk) -> None:
    assert rooted.cloud.root
    ann = keys.read_public(Path(rooted.path("ann.key")).read_text())
    assert repository.approver_keyids(repository.trusted_root(rooted.cloud.root).signed) == (ann.keyid,)
    assert rooted.cloud.emails == {ann.keyid: "ann@example.com"}


def test_second_first_root_is_refused(rooted: Desk) -> None:
    found = rooted.online("init-root", "--root-key", rooted.path("root.key"), "--approver", rooted.path("bob.key"))
    assert found.exit_code == 1
    assert "has a root already" in found.output


def test_approver_without_a_known_account_is_asked_about(desk: Desk) -> None:
    arguments = ("init-root", "--root-key", desk.path("root.key"), "--approver")
    found = desk.online(*arguments, desk.path("root.key"))
    assert found.exit_code == 1
    assert "Whose account" in found.output
    assert desk.online(*arguments, desk.path("ann.key.pub") + "=other@example.com").exit_code == 0
    assert list(desk.cloud.emails.values()) == ["other@example.com"]


def test_person_sees_the_list_and_approves(rooted: Desk) -> None:
    found = rooted.sign(ONE, yes=False, answer="y\ny\n")
    assert found.exit_code == 0, found.output
    assert ONE.sha256 in found.output
    assert "Approve?" in found.output
    assert approved(rooted) == [ONE.path]
    assert rooted.sign(TWO).exit_code == 0
    assert approved(rooted) == [ONE.path, TWO.path]


@pytest.mark.parametrize("answer", ["y\nn\n", "y\n\n", "n\n", "\n"])
def test_person_who_does_not_say_yes_signs_nothing(rooted: Desk, answer: str) -> None:
    assert rooted.sign(ONE, yes=False, answer=answer).exit_code == 1
    assert approved(rooted) == []
    assert not [path for method, path, _ in rooted.cloud.requests if path.endswith("/approve")]


def test_secrets_never_reach_the_server(rooted: Desk) -> None:
    assert rooted.sign(ONE).exit_code == 0
    sent = json.dumps(rooted.cloud.requests)
    for name in ("root", "ann"):
        text = Path(rooted.path(f"{name}.key")).read_text()
        raw = keys.open_key_file(text, PASSPHRASE).private.private_bytes_raw()
        for secret in (raw.hex(), base64.urlsafe_b64encode(raw).decode().rstrip("="), PASSPHRASE, text.strip()):
            assert secret not in sent


def test_wrong_passphrase_signs_nothing(rooted: Desk) -> None:
    Path(rooted.path("passphrase")).write_text("some other four words")
    found = rooted.sign(ONE)
    assert found.exit_code == 1
    assert "passphrase is wrong" in found.output
    assert approved(rooted) == []


def test_list_that_does_more_than_asked_is_not_signed_unattended(rooted: Desk) -> None:
    payload = approvals.propose_targets(None, [ONE, EVIL], NOW + YEAR)
    rooted.cloud.lies = {"payload_base64": base64.b64encode(payload).decode()}
    found = rooted.sign(ONE)
    assert found.exit_code == 1
    assert "more than this one" in found.output
    assert EVIL.sha256 in found.output


def test_list_without_the_model_asked_for_is_not_signed_at_all(rooted: Desk) -> None:
    payload = approvals.propose_targets(None, [EVIL], NOW + YEAR)
    rooted.cloud.lies = {"payload_base64": base64.b64encode(payload).decode()}
    found = rooted.sign(ONE, yes=False, answer="y\ny\n")
    assert found.exit_code == 1
    assert "does not approve the model version" in found.output


def test_target_slipped_into_the_present_list_is_shown_as_new(rooted: Desk) -> None:
    """The server cannot hide a target by claiming that it was approved before."""
    assert rooted.sign(ONE).exit_code == 0
    assert rooted.cloud.targets
    document = json.loads(rooted.cloud.targets)
    document["signed"]["targets"][EVIL.path] = EVIL.to_target().to_dict()
    rooted.cloud.targets = json.dumps(document).encode()
    found = rooted.sign(TWO)
    assert found.exit_code == 1
    assert "+ meter_digits 6.6.6" in found.output
    assert "more than this one" in found.output


def test_server_that_sends_no_present_list_is_measured_by_what_was_signed_here(rooted: Desk) -> None:
    rooted.cloud.lies = {"current_targets": None}
    assert rooted.sign(ONE).exit_code == 0
    assert rooted.sign(TWO).exit_code == 0
    assert approved(rooted) == [ONE.path, TWO.path]


def test_server_that_goes_back_in_time_is_noticed(rooted: Desk) -> None:
    assert rooted.sign(ONE).exit_code == 0
    rooted.cloud.targets = None
    found = rooted.sign(TWO)
    assert found.exit_code == 1
    assert "old state" in found.output


def test_server_that_changes_its_root_is_noticed(rooted: Desk) -> None:
    assert rooted.sign(ONE).exit_code == 0
    ann = keys.read_public(Path(rooted.path("ann.key")).read_text())
    taker = KeyPair.generate("Taker")
    unsigned = repository.initial_root(
        [taker.public], [ann.key, KeyPair.generate("Eve").public], rooted.cloud.online.public, NOW, NOW + YEAR
    )
    rooted.cloud.root = repository.sign_root(unsigned, [taker])
    found = rooted.sign(TWO)
    assert found.exit_code == 1
    assert "--root-sha256" in found.output


def test_wrong_fingerprint_of_the_root_stops_the_first_use(rooted: Desk) -> None:
    found = rooted.sign(ONE, "--root-sha256", "0" * 64)
    assert found.exit_code == 1
    assert "not the one you were given" in found.output


def test_approver_is_added_and_removed(rooted: Desk) -> None:
    root_key = ("--root-key", rooted.path("root.key"))
    assert rooted.sign(ONE).exit_code == 0
    found = rooted.online("add-approver", *root_key, "--approver", rooted.path("bob.key.pub"))
    assert found.exit_code == 0, found.output
    bob = ("sign", "--model", rooted.model(TWO), "--key", rooted.path("bob.key"))
    assert rooted.online(*bob, yes=False, answer="y\ny\n").exit_code == 0
    ann = keys.read_public(Path(rooted.path("ann.key")).read_text())
    found = rooted.online("remove-approver", *root_key, "--keyid", ann.keyid[:10])
    assert found.exit_code == 0, found.output
    assert f"- approver    {ann.keyid}" in found.output
    found = rooted.sign(EVIL)
    assert found.exit_code == 1
    assert approved(rooted) == [ONE.path, TWO.path]


def test_key_that_is_no_approvers_is_told_before_anything_is_shown(rooted: Desk) -> None:
    found = rooted.online("sign", "--model", rooted.model(ONE), "--key", rooted.path("bob.key"))
    assert found.exit_code == 1
    assert "not an approver" in found.output


def test_root_holder_builds_on_no_root_of_another(rooted: Desk) -> None:
    taker = KeyPair.generate("Taker")
    unsigned = repository.initial_root(
        [taker.public], [KeyPair.generate("Eve").public], rooted.cloud.online.public, NOW, NOW + YEAR
    )
    rooted.cloud.root = repository.sign_root(unsigned, [taker])
    arguments = ("add-approver", "--root-key", rooted.path("root.key"), "--approver", rooted.path("bob.key"))
    assert "does not follow" in rooted.online(*arguments).output
    Path(rooted.path("root.key.trust.json")).unlink()
    found = rooted.online(*arguments)
    assert found.exit_code == 1
    assert "not signed with this root key" in found.output


def test_replaced_online_key_is_taken_into_the_root(rooted: Desk) -> None:
    rooted.cloud.online = KeyPair.generate("new")
    found = rooted.online("renew-root", "--root-key", rooted.path("root.key"))
    assert found.exit_code == 0, found.output
    assert rooted.cloud.root
    root = repository.trusted_root(rooted.cloud.root).signed
    assert root.roles["timestamp"].keyids == [rooted.cloud.online.keyid]


@pytest.mark.parametrize(
    "url", ["http://example.com", "ftp://127.0.0.1", "example.com", "http://127.0.0.1.example.com"]
)
def test_token_is_not_sent_where_it_can_be_overheard(desk: Desk, url: str) -> None:
    arguments = ("--key", desk.path("ann.key"), "--url", url, "--token-file", desk.path("token"))
    found = desk.keys("sign", "--model", desk.model(ONE), *arguments)
    assert found.exit_code == 1
    assert "overheard" in found.output


def test_absent_server_and_absent_files_are_named(desk: Desk) -> None:
    arguments = ("sign", "--model", desk.model(ONE), "--token-file", desk.path("token"), "--url", "http://127.0.0.1:9")
    found = desk.keys(*arguments, "--key", desk.path("ann.key"))
    assert found.exit_code == 1
    assert "does not answer" in found.output
    found = desk.online("sign", "--model", desk.model(ONE), "--key", desk.path("nobody.key"))
    assert found.exit_code == 1
    assert "There is no" in found.output


def test_refusal_of_the_server_is_passed_on_in_its_words(rooted: Desk) -> None:
    rooted.cloud.models.clear()
    found = rooted.sign(ONE)
    assert found.exit_code == 1
    assert "There is no such model version." in found.output
