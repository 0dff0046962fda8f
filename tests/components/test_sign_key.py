"""The browser opens the same key files as the command line, refuses the same ones, and signs to the same bytes."""

import json
import unicodedata
from typing import Any

import pytest

from app.distribution import keys
from tests.components.browser_modules import ROOT, run_js

PASSPHRASE = "correct horse Zähler"
JOSE = ROOT / ".web" / "node_modules" / "jose" / "dist" / "webapi" / "index.js"
PAYLOAD = b'{"_type":"targets"}'

pytestmark = pytest.mark.skipif(not JOSE.is_file(), reason="the front end is not built: ./trainyard test builds it")


@pytest.fixture(scope="module")
def pair() -> keys.KeyPair:
    return keys.KeyPair.generate("Ada Lovelace")


@pytest.fixture(scope="module")
def sealed(pair: keys.KeyPair) -> str:
    return keys.seal_key_file(pair, PASSPHRASE)


def sign(text: str, passphrase: str = PASSPHRASE, name: str = "ada.key") -> Any:
    script = """
        const jose = await import(given.jose);
        const { readKeyFile, signWithFile } = await load("sign_key.js");
        const file = { name: given.name, size: given.text.length, text: async () => given.text };
        try {
            const text = await readKeyFile(file);
            const bytes = new TextEncoder().encode(given.payload);
            return await signWithFile(jose, { text, name: file.name, passphrase: given.passphrase, bytes });
        } catch (error) { return { refused: error.message, kind: error.constructor.name }; }
    """
    given = {"jose": JOSE.as_uri(), "text": text, "passphrase": passphrase, "name": name, "payload": PAYLOAD.decode()}
    return run_js(script, given=given)


def test_a_key_file_of_the_command_line_signs_in_the_browser(pair: keys.KeyPair, sealed: str) -> None:
    signed = sign(sealed)
    assert signed["keyid"] == pair.keyid
    assert keys.verify_signature(pair.public, PAYLOAD, signed["signature"])


def test_the_passphrase_may_be_typed_in_another_unicode_form(sealed: str, pair: keys.KeyPair) -> None:
    assert sign(sealed, unicodedata.normalize("NFD", PASSPHRASE))["keyid"] == pair.keyid


def test_a_wrong_passphrase_and_a_changed_file_are_refused_in_words(sealed: str) -> None:
    changed = sealed[:-30] + ("A" if sealed[-30] != "A" else "B") + sealed[-29:]
    for answer in (sign(sealed, "wrong"), sign(changed)):
        assert answer["kind"] == "Refusal"
        assert "passphrase is wrong, or the file was changed" in answer["refused"]


def test_what_is_not_a_key_file_is_refused(pair: keys.KeyPair) -> None:
    assert "not a Trainyard key file" in sign("hello")["refused"]
    assert "not a Trainyard key file" in sign("x" * 9000)["refused"]
    assert "public key" in sign(keys.write_public(pair.card))["refused"]


@pytest.mark.parametrize("rounds", [1000, 10_000_000])
def test_a_file_asking_for_too_little_or_too_much_work_is_refused(
    monkeypatch: pytest.MonkeyPatch, pair: keys.KeyPair, rounds: int
) -> None:
    header = json.dumps({"alg": keys.ALG, "enc": keys.ENC, "p2c": rounds, "kid": pair.keyid}).encode()
    assert f"{rounds} rounds" in sign(f"{keys._b64(header)}.AAAA.AAAA.AAAA.AAAA")["refused"]


def test_a_file_that_names_another_key_is_refused(monkeypatch: pytest.MonkeyPatch, pair: keys.KeyPair) -> None:
    other = keys.KeyPair.generate("Mallory").keyid
    monkeypatch.setattr(keys.KeyPair, "keyid", property(lambda _self: other))
    assert "names one key and contains another" in sign(keys.seal_key_file(pair, PASSPHRASE))["refused"]


def test_an_insecure_page_is_told_before_anything_else() -> None:
    problem = run_js("return (await load('sign_key.js')).environmentProblem({ isSecureContext: false });")
    assert "https" in problem
