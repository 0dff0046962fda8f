"""Files and questions on the person's machine: key files, passphrases, and the roots trusted here."""

import os
from pathlib import Path

import typer

from app.distribution import keys, pinning
from app.distribution.keys import KeyPair, PublicCard
from app.distribution.pinning import Pin
from app.errors import Conflict, Invalid, NotFound

_FILE_VARIABLE = "TRAINYARD_PASSPHRASE_FILE"


class TrustedRoots:
    """The file of trusted roots beside a key file, and the entry of one server in it."""

    def __init__(self, key_file: Path, url: str) -> None:
        self._path = key_file.with_name(key_file.name + ".trust.json")
        self._url = url.rstrip("/")
        self._pins = pinning.load_pins(read_text(self._path)) if self._path.exists() else {}

    @property
    def pin(self) -> Pin | None:
        return self._pins.get(self._url)

    def save(self, pin: Pin) -> None:
        self._pins[self._url] = pin
        draft = self._path.with_name(self._path.name + ".new")
        draft.write_text(pinning.dump_pins(self._pins), encoding="utf-8")
        draft.replace(self._path)


def read_text(path: Path) -> str:
    """The text of a small file. Raises NotFound or Invalid."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}.") from error


def write_new(path: Path, text: str, mode: int) -> None:
    """Write a file that must not exist yet. Raises Conflict or Invalid."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise Conflict(f"{path} exists already; it is never overwritten. Choose another name.") from error
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error}.") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def open_key(path: Path) -> KeyPair:
    """The private key in a key file, after asking for its passphrase."""
    text = read_text(path)
    card = keys.read_public(text)
    passphrase = _passphrase_from_file()
    if passphrase is None:
        passphrase = typer.prompt(f"Passphrase of {card.name}'s key {path}", hide_input=True, err=True)
    return keys.open_key_file(text, passphrase)


def new_passphrase() -> str:
    """A passphrase asked for twice, or the one in the file that TRAINYARD_PASSPHRASE_FILE names."""
    known = _passphrase_from_file()
    if known is not None:
        return known
    return str(
        typer.prompt(
            f"Choose a passphrase (at least {keys.MIN_PASSPHRASE} characters)",
            hide_input=True,
            confirmation_prompt="The same again",
            err=True,
        )
    )


def approver_card(argument: str) -> PublicCard:
    """The approver named by FILE or FILE=EMAIL. Raises Invalid when no e-mail address is known."""
    file, separator, email = argument.rpartition("=")
    if not separator or "@" not in email:
        file, email = argument, ""
    card = keys.read_public(read_text(Path(file)))
    card = PublicCard(card.key, card.name, email or card.email)
    if not card.email:
        raise Invalid(f"Whose account is {file}? Give it as {file}=ann@example.com.")
    return card


def confirm(question: str, yes: bool) -> None:
    """Go on only with the person's consent; asking is the default."""
    if not yes:
        typer.confirm(question, default=False, abort=True, err=True)


def _passphrase_from_file() -> str | None:
    path = os.environ.get(_FILE_VARIABLE)
    return read_text(Path(path)).rstrip("\r\n") if path else None
