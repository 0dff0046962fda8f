"""Key files open with their passphrase only, and name the key they hold."""

import base64
import json

import pytest

from app.distribution import keys
from app.distribution.keys import KeyPair
from app.errors import Invalid

PASSPHRASE = "four plain English words"


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return KeyPair.generate("Änn", "ann@example.com")


@pytest.fixture(scope="module")
def key_file(pair: KeyPair) -> str:
    return keys.seal_key_file(pair, PASSPHRASE)


def changed_header(text: str, **changes: object) -> str:
    encoded, rest = text.split(".", 1)
    header = json.loads(base64.urlsafe_b64decode(encoded + "=="))
    header.update(changes)
    header = {name: value for name, value in header.items() if value is not None}
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode() + "." + rest


def test_key_file_gives_back_the_same_key(pair: KeyPair, key_file: str) -> None:
    opened = keys.open_key_file(key_file, PASSPHRASE)
    assert (opened.keyid, opened.name, opened.email) == (pair.keyid, "Änn", "ann@example.com")
    assert keys.verify_signature(pair.public, b"payload", opened.sign(b"payload"))


def test_passphrase_counts_the_same_however_its_accents_are_typed(pair: KeyPair) -> None:
    text = keys.seal_key_file(pair, "correct h\u00f6rse battery")
    assert keys.open_key_file(text, "correct ho\u0308rse battery").keyid == pair.keyid


def test_wrong_passphrase_is_said_in_words(key_file: str) -> None:
    with pytest.raises(Invalid, match="passphrase is wrong"):
        keys.open_key_file(key_file, PASSPHRASE + "!")
    with pytest.raises(Invalid, match="passphrase is empty"):
        keys.open_key_file(key_file, "")


def test_short_passphrase_is_refused(pair: KeyPair) -> None:
    with pytest.raises(Invalid, match="too short"):
        keys.seal_key_file(pair, "elevenchars")


def test_public_half_needs_no_passphrase(pair: KeyPair, key_file: str) -> None:
    for text in (key_file, keys.write_public(pair.card)):
        assert keys.read_public(text) == pair.card


def test_private_half_is_in_no_text(pair: KeyPair, key_file: str) -> None:
    raw = pair.private.private_bytes_raw()
    for text in (key_file, keys.write_public(pair.card), repr(pair), str(pair.card)):
        assert raw.hex() not in text
        assert base64.urlsafe_b64encode(raw).rstrip(b"=").decode() not in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"p2c": 1000}, "rounds"),
        ({"p2c": 209_999}, "rounds"),
        ({"p2c": 300_001}, "rounds"),
        ({"p2c": 2**40}, "rounds"),
        ({"p2c": "210000"}, "rounds"),
        ({"p2c": True}, "rounds"),
        ({"p2s": "AAAA"}, "salt"),
        ({"zip": "DEF"}, "alone"),
        ({"crit": ["x"]}, "alone"),
        ({"alg": "dir"}, "alone"),
        ({"enc": "A128GCM"}, "alone"),
        ({"kid": None}, "alone"),
        ({"kid": "0" * 64}, "does not belong"),
        ({"pub": {"kty": "EC"}}, "Ed25519"),
    ],
)
def test_weakened_or_costly_header_is_refused_before_any_work(
    key_file: str, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        keys.open_key_file(changed_header(key_file, **changes), PASSPHRASE)


def test_changed_owner_is_noticed(key_file: str, pair: KeyPair) -> None:
    public = json.loads(base64.urlsafe_b64decode(key_file.split(".")[0] + "=="))["pub"]
    with pytest.raises(Invalid, match="changed"):
        keys.open_key_file(changed_header(key_file, pub={**public, "name": "Mallory"}), PASSPHRASE)


@pytest.mark.parametrize("part", range(1, 5))
def test_changed_byte_is_noticed(key_file: str, part: int) -> None:
    parts = key_file.split(".")
    parts[part] = ("A" if parts[part][0] != "A" else "B") + parts[part][1:]
    with pytest.raises(Invalid):
        keys.open_key_file(".".join(parts), PASSPHRASE)


@pytest.mark.parametrize("text", ["", "....", "a.b.c.d.e", "{}", "x" * 10_000, "é.b.c.d.e", "{" * 5000])
def test_anything_else_is_not_a_key_file(text: str) -> None:
    with pytest.raises(Invalid):
        keys.open_key_file(text, PASSPHRASE)
    with pytest.raises(Invalid):
        keys.read_public(text)


def test_one_key_has_one_spelling(pair: KeyPair) -> None:
    value = keys.public_key_to_dict(pair.public)
    assert keys.public_key_from_dict(value).keyid == pair.keyid
    for public in (value["keyval"]["public"].upper(), value["keyval"]["public"] + " ", "00" * 31, "zz" * 32):
        with pytest.raises(Invalid):
            keys.public_key_from_dict({**value, "keyval": {"public": public}})
    for bad in (None, [], {**value, "keytype": "rsa"}, {**value, "scheme": "rsassa-pss-sha256"}, {**value, "x": 1}):
        with pytest.raises(Invalid):
            keys.public_key_from_dict(bad)


def test_signature_must_be_exactly_128_lower_case_digits(pair: KeyPair) -> None:
    good = pair.sign(b"payload")
    assert keys.verify_signature(pair.public, b"payload", good)
    for bad in (good.upper(), " " + good, good[:-2], good + "00", "", "é", good.replace(good[0], "g", 1)):
        if bad != good:
            assert not keys.verify_signature(pair.public, b"payload", bad)
    assert not keys.verify_signature(pair.public, b"payloae", good)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, "\u202eevil"])
def test_owner_name_must_be_printable(name: str) -> None:
    with pytest.raises(Invalid):
        KeyPair.generate(name)
