"""What the signer shows is what the server proposes to the byte, and whatever is out of the ordinary is asked about."""

import base64
import copy
import json
from typing import Any

import pytest

from app.distribution import strict_json
from tests.components.browser_modules import run_js

TARGET = "meter_digits/1.1.0/bundle.tar"
OLD = "meter_digits/1.0.0/bundle.tar"
READ = """
    const { readPayload, differences, remember, remembered } = await load("sign_payload.js");
    const attempt = (call) => { try { return call(); } catch (error) { return { refused: error.message }; } };
    const shelf = new Map();
    const storage = { getItem: (key) => shelf.get(key) ?? null, setItem: (key, value) => shelf.set(key, value) };
"""


def entry(digit: str, **custom: Any) -> dict[str, Any]:
    return {"length": 412_160, "hashes": {"sha256": digit * 64}, "custom": {"organization_id": None, **custom}}


def proposal(version: int = 4, **targets: dict[str, Any]) -> dict[str, Any]:
    listed = {TARGET: entry("9", name='Zähler "ä" \\ 𝄞')} | {path: given for path, given in targets.items()}
    return {
        "_type": "targets", "spec_version": "1.0.31", "version": version, "expires": "2027-11-23T00:00:00Z",
        "targets": listed,
    }  # fmt: skip


def encoded(signed: dict[str, Any]) -> str:
    return base64.b64encode(strict_json.canonical(signed)).decode()


def read(payload: str, target: str = TARGET) -> Any:
    script = (
        READ
        + "return attempt(() => { const { bytes, ...rest } = readPayload(given.payload, given.target); return rest; });"
    )
    return run_js(script, given={"payload": payload, "target": target})


def test_the_canonical_form_is_the_servers_to_the_byte() -> None:
    seen = read(encoded(proposal(**{OLD: entry("a", weird={"\ue000": 1, "\U00010000": [True, False, None, -3, ""]})})))
    assert seen["version"] == 4
    assert seen["entry"]["path"] == TARGET
    assert seen["entry"]["sha256"] == "9" * 64
    assert [other["path"] for other in seen["others"]] == [OLD]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: json.dumps(json.loads(raw)).encode(), "not in canonical form"),
        (lambda raw: raw.replace(b'"version":4', b'"version":3,"version":4'), "not in canonical form"),
        (lambda raw: b"\xef\xbb\xbf" + raw, "not a list"),
        (lambda raw: raw.replace(b"targets", b"snapshot", 1), "not a list"),
        (lambda _raw: b"hello", "not a list"),
    ],
)
def test_bytes_with_two_meanings_are_refused(damage: Any, words: str) -> None:
    raw = strict_json.canonical(proposal())
    assert words in read(base64.b64encode(damage(raw)).decode())["refused"]


def test_a_list_without_the_version_is_refused() -> None:
    assert "does not contain" in read(encoded(proposal()), "meter_digits/9.9.9/bundle.tar")["refused"]


def test_a_list_that_delegates_is_refused() -> None:
    assert "other keys" in read(encoded({**proposal(), "delegations": {"keys": {}, "roles": []}}))["refused"]


def compare(before: dict[str, Any] | None, now: dict[str, Any]) -> Any:
    script = (
        READ
        + """
        if (given.before) remember(storage, readPayload(given.before, given.target));
        const found = differences(readPayload(given.now, given.target), remembered(storage));
        const paths = (entries) => entries.map((one) => one.path);
        return { ...found, unknown: paths(found.unknown), changed: paths(found.changed) };
    """
    )
    return run_js(script, given={"before": before and encoded(before), "now": encoded(now), "target": TARGET})


def test_a_first_list_with_other_versions_is_asked_about() -> None:
    assert compare(None, proposal(**{OLD: entry("a")})) == {
        "unknown": [OLD], "changed": [], "gone": [], "older": 0, "any": True,
    }  # fmt: skip


def test_what_was_signed_here_before_is_not_asked_again_even_when_the_first_try_was_lost() -> None:
    known = proposal(**{OLD: entry("a")})
    assert compare(known, known)["any"] is False
    assert compare(known, {**known, "version": 5})["any"] is False


def test_changed_missing_and_older_lists_are_told() -> None:
    known = proposal(version=6, **{OLD: entry("a")})
    assert compare(known, proposal(version=7, **{OLD: entry("b")}))["changed"] == [OLD]
    assert compare(known, proposal(version=7))["gone"] == [OLD]
    assert compare(known, proposal(version=5, **{OLD: entry("a")}))["older"] == 6
    swapped = copy.deepcopy(known)
    swapped["targets"][TARGET] = entry("c")
    assert compare(known, {**swapped, "version": 7})["changed"] == [TARGET]


def test_a_damaged_memory_only_means_asking_again() -> None:
    script = READ + 'shelf.set("trainyard.signed-list", given); return remembered(storage);'
    for text in ("{", "null", "7", '{"version": 3}', '{"version": "x", "entries": null}'):
        assert run_js(script, given=text) == {"version": 0, "entries": {}}
