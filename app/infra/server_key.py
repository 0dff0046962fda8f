"""The server's secret: 32 random bytes in a file of mode 0600, from which other secrets are derived.

What is derived stands in no table, so a stolen database holds no webhook secret. The file is made at first use, whole
and without overwriting: of several processes starting together one wins and the others read what it wrote. Processes
on other machines need a copy of it, and so does a backup: without it every derived secret changes.
"""

import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import Invalid
from app.settings import get_settings

LENGTH = 32


def derive(purpose: str) -> bytes:
    """32 bytes that only this server can make: HKDF-SHA256 (RFC 5869) of its key, with `purpose` as info."""
    key = load_or_create(get_settings().server_key_path)
    return HKDF(algorithm=SHA256(), length=LENGTH, salt=None, info=purpose.encode()).derive(key)


def load_or_create(path: Path) -> bytes:
    """The key at `path`, made first if there is none. Raises Invalid when others may read it or it is damaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        _create(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise Invalid(f"{path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
        key = file.read(LENGTH + 1)
    if len(key) != LENGTH:
        raise Invalid(f"{path} is damaged: it must hold exactly {LENGTH} bytes. Bring it back from a backup.")
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike rename, never replaces a key that another process made first
        except FileExistsError:
            return
    finally:
        draft.unlink()
