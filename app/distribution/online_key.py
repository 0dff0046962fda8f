"""The server's own key: it signs snapshot and timestamp, and can approve nothing.

Kept as a plain JWK in a file of mode 0600, because a server must start without a person. It is created once, whole and
without overwriting: of several processes starting together one wins and the others read what it wrote.
"""

import json
import os
import secrets
import stat
from pathlib import Path
from typing import Self

from app.distribution import strict_json
from app.distribution.keys import KeyPair, private_from_jwk, private_to_jwk
from app.errors import Invalid, NotFound

NAME = "online key of the server"
_MAX_FILE = 4096


class OnlineKey(KeyPair):
    """The pair in `online.json`."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key. Raises NotFound when there is none, Invalid when others may read it or it is damaged."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFound(f"There is no online key at {path}.") from error
        with os.fdopen(descriptor, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise Invalid(f"{path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
            data = file.read(_MAX_FILE + 1)
        jwk = strict_json.parse(data, limit=_MAX_FILE, what=f"The online key {path}")
        pair = cls(private_from_jwk(jwk, what=f"The online key {path}"), NAME)
        if jwk.get("kid") != pair.keyid:
            raise Invalid(f"The online key {path} names a keyid that does not belong to its key.")
        return pair

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the key, making one first if there is none."""
        if not path.exists():
            _create(path, KeyPair.generate(NAME))
        return cls.load(path)


def _create(path: Path, pair: KeyPair) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(private_to_jwk(pair)).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike rename, never replaces a key that another process made first
        except FileExistsError:
            return
    finally:
        draft.unlink()
