"""Which rule counts for which claims, and how a wrong rule is named."""

import json
from typing import Any

import pytest

from app.domain.permissions import Role
from app.domain.role_rules import first_fitting, parse_role_rules
from app.settings import Settings

ADMINS = {"claim": "groups", "value": "admins", "role": "super_admin"}


def role(rules: list[dict[str, Any]], claims: dict[str, Any]) -> Role | None:
    found = first_fitting(parse_role_rules(json.dumps(rules)), claims)
    return found.role if found else None


def test_first_rule_that_fits_counts() -> None:
    anybody = {"claim": "sub", "value": "*", "role": "member"}
    assert role([ADMINS, anybody], {"sub": "1", "groups": ["admins"]}) is Role.SUPER_ADMIN
    assert role([anybody, ADMINS], {"sub": "1", "groups": ["admins"]}) is Role.MEMBER


@pytest.mark.parametrize(
    ("claim", "value", "claims", "fits"),
    [
        ("groups", "admins", {"groups": "admins"}, True),
        ("groups", "admins", {"groups": ["users", "admins"]}, True),
        ("groups", "admins", {"groups": ["not-admins", "admins2"]}, False),
        ("groups", "admins", {"groups": "admins users"}, False),
        ("groups", "admins", {"groups": {"admins": True}}, False),
        ("groups", "admins", {}, False),
        ("a.b", "x", {"a": {"b": ["x"]}}, True),
        ("a.b", "x", {"a.b": "x"}, True),
        ("a.b", "x", {"a": ["b", "x"]}, False),
        ("a.b", "x", {"a": None}, False),
        ("staff", True, {"staff": True}, True),
        ("staff", True, {"staff": 1}, False),
        ("staff", True, {"staff": "true"}, False),
        ("level", 1, {"level": True}, False),
        ("org", "*", {"org": "any"}, True),
        ("org", "*", {"org": 0}, True),
        ("org", "*", {"org": ""}, False),
        ("org", "*", {"org": []}, False),
        ("org", "*", {"org": None}, False),
        ("org", "*", {"org": False}, False),
        ("org", "*", {}, False),
    ],
)
def test_claim_fits_by_equality_or_membership(claim: str, value: Any, claims: dict[str, Any], fits: bool) -> None:
    assert (role([{"claim": claim, "value": value, "role": "member"}], claims) is Role.MEMBER) == fits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("groups=admins", "not JSON"),
        ("{}", "list of rules"),
        ("[1]", "rule 1 is no object"),
        (json.dumps([ADMINS, {**ADMINS, "roles": "x"}]), "rule 2 has 'roles'"),
        (json.dumps([{**ADMINS, "claim": ""}]), "rule 1 needs a claim"),
        (json.dumps([{**ADMINS, "value": None}]), "rule 1 needs a value"),
        (json.dumps([{**ADMINS, "value": ["a"]}]), "rule 1 needs a value"),
        (json.dumps([{**ADMINS, "role": "root"}]), "'root', which is none of super_admin"),
        (json.dumps([{**ADMINS, "role": ["member"]}]), "which is none of super_admin"),
        (json.dumps([{**ADMINS, "role": "organization_admin"}]), "needs the organization's name"),
        (json.dumps([{**ADMINS, "organization": " "}]), "names no organization"),
    ],
)
def test_wrong_rule_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_role_rules(text)


SOUND = {
    "oidc_discovery_url": "https://id.example.org/.well-known/openid-configuration",
    "oidc_client_id": "trainyard",
    "oidc_roles": json.dumps([ADMINS]),
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"oidc_roles": "[1]"}, "rule 1 is no object"),
        ({"oidc_roles": ""}, "TRAINYARD_OIDC_ROLES"),
        ({"oidc_client_id": ""}, "TRAINYARD_OIDC_CLIENT_ID"),
        ({"oidc_discovery_url": "https://id.example.org/"}, "end in /.well-known"),
        ({"oidc_discovery_url": "http://id.example.org/.well-known/openid-configuration"}, "begin with https"),
        ({"oidc_discovery_url": "https://a:b@id.example.org/.well-known/openid-configuration"}, "begin with https"),
        ({"oidc_scopes": "email"}, "must hold openid"),
    ],
)
def test_server_does_not_start_with_half_a_provider(change: dict[str, str], words: str) -> None:
    assert Settings(**SOUND).oidc_rules[0].role is Role.SUPER_ADMIN  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=words) as refused:
        Settings(**{**SOUND, "oidc_client_secret": "do not show this", **change})  # type: ignore[arg-type]
    assert "do not show" not in str(refused.value)
