"""The commands of `trainyard keys`."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from app.distribution import keys, signer
from app.distribution.keys import KeyPair
from app.errors import Conflict, DomainError
from app.keys_cli import approve, roots
from app.keys_cli.cloud import Cloud
from app.keys_cli.machine import approver_card, new_passphrase, read_text, write_new

app = typer.Typer(name="keys", help="Make and use the keys that approve model versions.", no_args_is_help=True)
P = ParamSpec("P")

LOCAL = "http://127.0.0.1:8700"
Url = Annotated[str, typer.Option(help="Address of the server.", envvar="TRAINYARD_URL")]
TokenFile = Annotated[Path, typer.Option(help="File holding an API token.")]
RootKeys = Annotated[list[Path], typer.Option("--root-key", help="Key file of a root key; repeat for several.")]
Approvers = Annotated[
    list[str], typer.Option("--approver", help="Public or key file of an approver: FILE or FILE=EMAIL; repeatable.")
]
Days = Annotated[int, typer.Option(min=1, max=3650, help="How many days the root stays valid.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; refuse anything out of the ordinary.")]
Told = Annotated[str | None, typer.Option("--root-sha256", help="Fingerprint of the root, as its holder told you.")]


def reported(command: Callable[P, None]) -> Callable[P, None]:
    """Expected failures become one sentence and exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except DomainError as error:
            typer.echo(f"Error: {signer.visible(error.message)}", err=True)
            raise typer.Exit(1) from error

    return run


@app.command()
@reported
def create(
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    out: Annotated[Path, typer.Option(help="The key file to make; the public half goes to <out>.pub.")],
    email: Annotated[str | None, typer.Option(help="The account the key belongs to.")] = None,
) -> None:
    """Make a key pair: an encrypted key file to keep, and a public file to give away."""
    public = out.with_name(out.name + ".pub")
    for path in (out, public):
        if path.exists():
            raise Conflict(f"{path} exists already; it is never overwritten. Choose another name.")
    pair = KeyPair.generate(name, email)
    text = keys.seal_key_file(pair, new_passphrase())
    write_new(out, text + "\n", 0o600)
    write_new(public, keys.write_public(pair.card), 0o644)
    typer.echo(f"Key {pair.keyid}\nKeep {out} and its passphrase safe: nobody can restore them.\nGive away: {public}")


@app.command()
@reported
def show(file: Annotated[Path, typer.Argument(help="A key file or a public file.")]) -> None:
    """Show whose key a file holds; needs no passphrase."""
    card = keys.read_public(read_text(file))
    owner = f"{card.name} <{card.email}>" if card.email else card.name
    typer.echo(f"{owner}\nkeyid  {card.keyid}\npublic {card.key.keyval['public']}")


@app.command("init-root")
@reported
def init_root(
    root_key: RootKeys,
    approver: Approvers,
    token_file: TokenFile,
    url: Url = LOCAL,
    days: Days = 730,
    root_threshold: Annotated[int, typer.Option(min=1, help="How many root keys must sign a root.")] = 1,
    yes: Yes = False,
) -> None:
    """Make the first root: it names the approvers and the server's online key."""
    cards = [approver_card(text) for text in approver]
    with Cloud(url, token_file) as cloud:
        unsigned = roots.init_root(cloud, root_key, cards, days, root_threshold)
        roots.submit_root(cloud, unsigned, None, root_key, {card.keyid: card.email for card in cards}, yes)


@app.command("add-approver")
@reported
def add_approver(
    root_key: RootKeys,
    approver: Approvers,
    token_file: TokenFile,
    url: Url = LOCAL,
    days: Days = 730,
    yes: Yes = False,
    told: Told = None,
) -> None:
    """Let another person approve: a new version of the root."""
    cards = [approver_card(text) for text in approver]
    with Cloud(url, token_file) as cloud:
        roots.change_root(cloud, root_key, days, yes, told, add=cards)


@app.command("remove-approver")
@reported
def remove_approver(
    keyid: Annotated[list[str], typer.Option(help="Keyid of the approver's key, or its first 8 digits or more.")],
    root_key: RootKeys,
    token_file: TokenFile,
    url: Url = LOCAL,
    days: Days = 730,
    yes: Yes = False,
    told: Told = None,
) -> None:
    """Withdraw a person's right to approve: a new version of the root."""
    with Cloud(url, token_file) as cloud:
        roots.change_root(cloud, root_key, days, yes, told, remove=keyid)
    typer.echo("If that person signed the present list, another approver must sign it again: trainyard keys sign.")


@app.command("renew-root")
@reported
def renew_root(
    root_key: RootKeys, token_file: TokenFile, url: Url = LOCAL, days: Days = 730, yes: Yes = False, told: Told = None
) -> None:
    """Give the root a later expiry, and the server's present online key if that was replaced."""
    with Cloud(url, token_file) as cloud:
        roots.change_root(cloud, root_key, days, yes, told)


@app.command()
@reported
def sign(
    model: Annotated[str, typer.Option(help="Id of the model version to approve.")],
    key: Annotated[Path, typer.Option(help="Your key file.")],
    token_file: TokenFile,
    url: Url = LOCAL,
    yes: Yes = False,
    told: Told = None,
) -> None:
    """Approve a model version: see what would be signed, then sign it."""
    with Cloud(url, token_file) as cloud:
        typer.echo(approve.sign(cloud, model, key, yes, told))
