"""Ed25519 key pairs of people, and the file a person keeps one in.

A **key file** is a JWE in compact form (RFC 7516, PBES2-HS512+A256KW and A256GCM) whose content is the private OKP JWK,
so the dashboard's `jose` and this module open the same file. Its header also names the public key and its owner, so
that whoever holds the root key can add an approver without any passphrase. The passphrase is UTF-8 in form NFC.

Rules: a keyid is always the TUF hash of the key, so one key has one name; only Ed25519; a file asking for more work
than `MAX_ITERATIONS` or promising less than `ITERATIONS` is not opened.
"""

import base64
import binascii
import json
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from app.distribution import strict_json
from app.distribution.tuf_types import SSlibKey
from app.errors import Invalid

ALG, ENC = "PBES2-HS512+A256KW", "A256GCM"
ITERATIONS = 210_000
MAX_ITERATIONS = 300_000
MIN_PASSPHRASE = 12
MAX_KEY_FILE = 8192
_HEADER = {"alg", "enc", "p2s", "p2c", "kid", "cty", "pub"}
_MAX_NAME = 100


@dataclass(frozen=True)
class PublicCard:
    """A public key and whose it says it is. Not proof of either: compare the keyid with the person."""

    key: SSlibKey
    name: str
    email: str | None = None

    @property
    def keyid(self) -> str:
        return str(self.key.keyid)


@dataclass(frozen=True)
class KeyPair:
    """A private key and its owner's name. The private half is never printed."""

    private: Ed25519PrivateKey = field(repr=False)
    name: str
    email: str | None = None

    @classmethod
    def generate(cls, name: str, email: str | None = None) -> Self:
        return cls(Ed25519PrivateKey.generate(), _checked_name(name), _checked_email(email))

    @property
    def public(self) -> SSlibKey:
        return SSlibKey.from_crypto(self.private.public_key())

    @property
    def keyid(self) -> str:
        return str(self.public.keyid)

    @property
    def card(self) -> PublicCard:
        return PublicCard(self.public, self.name, self.email)

    def sign(self, payload: bytes) -> str:
        """The Ed25519 signature over `payload`, as 128 hexadecimal digits."""
        return self.private.sign(payload).hex()


def public_key_to_dict(key: SSlibKey) -> dict[str, Any]:
    """`key` as TUF writes it: {"keytype", "scheme", "keyval": {"public": hex}}."""
    return {"keytype": key.keytype, "scheme": key.scheme, "keyval": dict(key.keyval)}


def public_key_from_dict(value: object, *, what: str = "The public key") -> SSlibKey:
    """The key written in `value`, with the keyid computed from it. Raises Invalid for anything but plain Ed25519."""
    if not isinstance(value, dict) or set(value) != {"keytype", "scheme", "keyval"}:
        raise Invalid(f'{what} must have the members "keytype", "scheme" and "keyval", and no other.')
    if value["keytype"] != "ed25519" or value["scheme"] != "ed25519":
        raise Invalid(f"{what} is not an Ed25519 key.")
    keyval = value["keyval"]
    if not isinstance(keyval, dict) or set(keyval) != {"public"} or not isinstance(keyval["public"], str):
        raise Invalid(f"{what} must hold its 32 bytes as hexadecimal under keyval.public.")
    return _key_from_hex(keyval["public"], what)


def verify_signature(key: SSlibKey, payload: bytes, signature: str) -> bool:
    """Whether `signature` (hexadecimal) is `key`'s signature over exactly `payload`."""
    try:
        raw = bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"])).verify(raw, payload)
    except (ValueError, InvalidSignature):
        return False
    return len(signature) == 128 and signature == raw.hex()


def seal_key_file(pair: KeyPair, passphrase: str) -> str:
    """The text of `pair`'s key file, readable only with `passphrase`. Raises Invalid for a weak passphrase."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise Invalid(f"The passphrase is too short: use at least {MIN_PASSPHRASE} characters (four or five words).")
    x = _b64(pair.private.public_key().public_bytes_raw())
    public = {"kty": "OKP", "crv": "Ed25519", "x": x, "name": pair.name}
    if pair.email:
        public["email"] = pair.email
    header = {"alg": ALG, "enc": ENC, "p2c": ITERATIONS, "kid": pair.keyid, "cty": "jwk+json", "pub": public}
    private = {**public, "d": _b64(pair.private.private_bytes_raw()), "kid": pair.keyid}
    return jwe.encrypt_compact(header, json.dumps(private), _secret(passphrase), registry=_registry())


def open_key_file(text: str, passphrase: str) -> KeyPair:
    """The pair in a key file. Raises Invalid for a wrong passphrase or a file that is not a Trainyard key file."""
    card = _card_from_header(text)
    try:
        opened = jwe.decrypt_compact(text.strip(), _secret(passphrase), registry=_registry())
    except (JoseError, ValueError, binascii.Error) as error:
        raise Invalid(
            f"The key file of {card.name} could not be opened: the passphrase is wrong, or the file was changed."
        ) from error
    jwk = strict_json.parse(opened.plaintext or b"", limit=MAX_KEY_FILE, what="The content of the key file")
    pair = KeyPair(_private_from_jwk(jwk, "The key file"), card.name, card.email)
    if pair.keyid != card.keyid or jwk.get("kid") != card.keyid or jwk.get("name") != card.name:
        raise Invalid("The key file names one key and contains another. Do not use it; make a new one.")
    return pair


def read_public(text: str) -> PublicCard:
    """The public half of a key file or of a public card, without a passphrase. Raises Invalid."""
    if not text.lstrip().startswith("{"):
        return _card_from_header(text)
    card = strict_json.parse(text.encode("utf-8"), limit=MAX_KEY_FILE, what="The public key file")
    key = public_key_from_dict(card.get("public_key"), what="The key in the public key file")
    if card.get("keyid") != key.keyid:
        raise Invalid("The public key file names a keyid that does not belong to its key.")
    return PublicCard(key, _checked_name(card.get("name")), _checked_email(card.get("email")))


def write_public(card: PublicCard) -> str:
    """The text of a public card: what an approver sends to whoever holds the root key."""
    value = {"name": card.name, "email": card.email, "keyid": card.keyid, "public_key": public_key_to_dict(card.key)}
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def private_to_jwk(pair: KeyPair) -> dict[str, str]:
    """The pair as an unencrypted OKP JWK. Only the online key is ever stored so."""
    x = _b64(pair.private.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "d": _b64(pair.private.private_bytes_raw()), "kid": pair.keyid}


def private_from_jwk(jwk: dict[str, Any], *, what: str) -> Ed25519PrivateKey:
    """The private key in an OKP JWK whose two halves agree. Raises Invalid."""
    return _private_from_jwk(jwk, what)


def _card_from_header(text: str) -> PublicCard:
    header = _checked_header(text)
    public = header["pub"]
    if not isinstance(public, dict) or public.get("kty") != "OKP" or public.get("crv") != "Ed25519":
        raise Invalid("The key file does not name an Ed25519 public key.")
    key = _key_from_hex(_unb64(public.get("x"), "The public key").hex(), "The public key in the key file")
    if header["kid"] != key.keyid:
        raise Invalid("The key file names a keyid that does not belong to its key.")
    return PublicCard(key, _checked_name(public.get("name")), _checked_email(public.get("email")))


def _checked_header(text: str) -> dict[str, Any]:
    text = text.strip()
    if len(text) > MAX_KEY_FILE or text.count(".") != 4 or not text.isascii():
        raise Invalid("This is not a Trainyard key file (a JWE in compact form).")
    encoded = text.split(".", 1)[0]
    header = strict_json.parse(_unb64(encoded, "The header"), limit=MAX_KEY_FILE, what="The header of the key file")
    if set(header) != _HEADER or header["alg"] != ALG or header["enc"] != ENC:
        raise Invalid(f"The key file is not protected with {ALG} and {ENC} alone.")
    rounds = header["p2c"]
    if type(rounds) is not int or not ITERATIONS <= rounds <= MAX_ITERATIONS:
        raise Invalid(f"The key file asks for {rounds!a:.20} rounds; {ITERATIONS} to {MAX_ITERATIONS} are accepted.")
    if len(_unb64(header["p2s"], "The salt")) < 16:
        raise Invalid("The salt of the key file is too short.")
    return header


def _private_from_jwk(jwk: dict[str, Any], what: str) -> Ed25519PrivateKey:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise Invalid(f"{what} does not hold an Ed25519 key.")
    seed = _unb64(jwk.get("d"), "The private key")
    if len(seed) != 32:
        raise Invalid(f"{what} does not hold an Ed25519 private key of 32 bytes.")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    if _b64(private.public_key().public_bytes_raw()) != jwk.get("x"):
        raise Invalid(f"{what} holds a public key that does not belong to its private key.")
    return private


def _key_from_hex(public: str, what: str) -> SSlibKey:
    try:
        raw = bytes.fromhex(public)
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise Invalid(f"{what} is not an Ed25519 public key of 32 bytes.") from error
    if raw.hex() != public:
        raise Invalid(f"{what} must be written in lower-case hexadecimal.")
    return SSlibKey.from_crypto(key)


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or not name.isprintable() or not name.strip():
        raise Invalid(f"The owner's name must be 1 to {_MAX_NAME} printable characters.")
    return name


def _checked_email(email: object) -> str | None:
    if email is None:
        return None
    if not isinstance(email, str) or not 3 <= len(email) <= 254 or not email.isprintable() or email.count("@") != 1:
        raise Invalid("The e-mail address of the key's owner is not an address.")
    return email


def _secret(passphrase: str) -> OctKey:
    if not passphrase:
        raise Invalid("The passphrase is empty.")
    return OctKey.import_key({"kty": "oct", "k": _b64(unicodedata.normalize("NFC", passphrase).encode("utf-8"))})


def _registry() -> jwe.JWERegistry:
    registry = jwe.JWERegistry(algorithms=[ALG, ENC], strict_check_header=False)
    registry.max_protected_header_length = MAX_KEY_FILE
    return registry


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _unb64(text: object, what: str) -> bytes:
    if not isinstance(text, str):
        raise Invalid(f"{what} is missing.")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise Invalid(f"{what} is not base64url.") from error
    if _b64(raw) != text:
        raise Invalid(f"{what} is not base64url in its one canonical form.")
    return raw
