"""Signing in at a real provider process: every wrong answer is refused, opens no session and is written down."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from app.infra import identity_provider
from app.infra.queue import get_redis
from tests.support.oidc_provider import CLIENT_SECRET, PERSON, Provider
from tests.support.people import PASSWORD, Person
from tests.support.single_sign_on import AUTH, events, me, people, problem, refusals, sessions, sign_in, to_provider

NewBrowser = Callable[[], TestClient]
ANN = {**PERSON, "groups": ["admins"]}
WRONG_TOKENS = {
    "another nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "expired": {"claims": {"exp": 1_700_000_000}},
    "never expires": {"claims": {"exp": None}},
    "expires in text": {"claims": {"exp": "4000000000"}},
    "expires never and later": {"claims": {"exp": 10**400}},
    "issued in the future": {"claims": {"iat": 4_000_000_000}},
    "not valid yet": {"claims": {"nbf": 4_000_000_000}},
    "issued at no time": {"claims": {"iat": None}},
    "another audience": {"claims": {"aud": "another"}},
    "no audience": {"claims": {"aud": None}},
    "several audiences, no azp": {"claims": {"aud": ["trainyard", "another"]}},
    "several audiences, another azp": {"claims": {"aud": ["trainyard", "another"], "azp": "another"}},
    "another azp": {"claims": {"azp": "another"}},
    "another issuer": {"claims": {"iss": "https://other.example"}},
    "no subject": {"claims": {"sub": None}},
    "subject is a number": {"claims": {"sub": 7}},
    "another access token": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "unsigned": {"fault": "unsigned"},
    "HS256 by the client secret": {"fault": "signed-with-client-secret"},
    "HS256 by the public key": {"fault": "signed-with-public-key"},
    "key in the header": {"fault": "signed-with-own-key-in-header"},
    "changed after signing": {"fault": "changed-after-signing"},
    "unknown key": {"key": "RS256"},
    "unknown elliptic key": {"key": "ES256"},
    "userinfo of somebody else": {"userinfo": {"sub": "another", "groups": ["admins"]}},
    "other issuer beside the code": {"fault": "other-issuer-in-answer"},
    "demands an extension": {"header": {"crit": ["b64"], "b64": True}},
    "no issuer beside the code": {"discovery": {"authorization_response_iss_parameter_supported": True}},
}
WRONG_ANSWERS = {
    **{name: (wrong, "oidc-invalid") for name, wrong in WRONG_TOKENS.items()},
    "another state": ({"fault": "wrong-state"}, "oidc-expired"),
    "person declines": ({"fault": "declines"}, "oidc-declined"),
    "another code": ({"fault": "wrong-code"}, "oidc-unavailable"),
    "token endpoint refuses": ({"fault": "token-error"}, "oidc-unavailable"),
    "token endpoint crashes": ({"fault": "token-crash"}, "oidc-unavailable"),
    "token endpoint talks nonsense": ({"fault": "token-garbage"}, "oidc-unavailable"),
    "token endpoint gives a list": ({"fault": "token-list"}, "oidc-unavailable"),
    "token endpoint leads elsewhere": ({"fault": "token-redirect"}, "oidc-unavailable"),
}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_wrong_answer_is_refused(provider: Provider, ann: TestClient, name: str) -> None:
    wrong, code = WRONG_ANSWERS[name]
    provider.behave(**{"person": ANN, **wrong})
    location = sign_in(ann)
    assert problem(location) == code
    assert set(parse_qs(urlsplit(location).query)) <= {"problem", "next"}  # not a word of the provider's
    assert (people(), sessions(), me(ann)) == ([], [], None)
    assert refusals() == [code]


def test_provider_that_does_not_answer_in_time_is_given_up(
    provider: Provider, ann: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_provider, "TOTAL_SECONDS", 0.5)
    provider.behave(fault="token-slow")
    assert problem(sign_in(ann)) == "oidc-unavailable"
    assert refusals() == ["oidc-unavailable"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "ES384", "EdDSA"])
def test_new_key_of_the_provider_is_fetched_once(provider: Provider, ann: TestClient, algorithm: str) -> None:
    sign_in(ann)
    before = provider.counts()["/jwks"]
    provider.behave(person=ANN, key=algorithm, listed=True)
    assert sign_in(ann) == "/jobs?page=2"
    assert sign_in(ann) == "/jobs?page=2"
    assert provider.counts()["/jwks"] == before + 1


def test_more_in_the_head_of_a_token_is_no_harm(provider: Provider, ann: TestClient) -> None:
    provider.behave(person=ANN, header={"x5t": "abc", "acme": 1, "x5c": ["MIIC" * 500]})
    assert sign_in(ann) == "/jobs?page=2"


def test_description_and_keys_are_kept_between_sign_ins(provider: Provider, ann: TestClient) -> None:
    sign_in(ann)
    before = provider.counts()
    sign_in(ann)
    after = provider.counts()
    for path in ("/jwks", "/.well-known/openid-configuration"):
        assert after[path] == before[path]


def test_way_back_works_once(provider: Provider, ann: TestClient) -> None:
    back = to_provider(ann)
    cookie = ann.cookies["trainyard_oidc"]
    assert ann.get(back).headers["location"] == "/jobs?page=2"
    ann.cookies.set("trainyard_oidc", cookie)
    assert problem(ann.get(back).headers["location"]) == "oidc-expired"
    assert len(sessions()) == 1


def test_way_back_of_one_browser_does_not_sign_in_another(
    provider: Provider, ann: TestClient, new_browser: NewBrowser
) -> None:
    back, other = to_provider(ann), new_browser()
    assert problem(other.get(back).headers["location"]) == "oidc-expired"
    to_provider(other)
    assert problem(other.get(back).headers["location"]) == "oidc-expired"
    assert sessions() == []


def test_way_back_ends_after_ten_minutes(provider: Provider, ann: TestClient) -> None:
    back = to_provider(ann)
    (key,) = get_redis().keys("short:oidc:*")
    assert 0 < get_redis().ttl(key) <= 600
    get_redis().delete(key)
    assert problem(ann.get(back).headers["location"]) == "oidc-expired"


def test_secrets_of_the_flow_stay_on_the_server(provider: Provider, ann: TestClient) -> None:
    answer = ann.get(f"{AUTH}/oidc/start")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(query)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert CLIENT_SECRET not in answer.headers["location"] + cookie
    assert answer.headers["cache-control"] == "no-store"
    (key,) = get_redis().keys("short:oidc:*")
    assert ann.cookies["trainyard_oidc"].encode() not in key + get_redis().get(key)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\tevil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "jobs",
        "/sign-in?next=/sign-in",
        "/api/v1/auth/oidc/start",
        "/.//evil.example",
        "",
    ],
)
def test_signing_in_leads_to_no_other_site(provider: Provider, ann: TestClient, elsewhere: str) -> None:
    assert sign_in(ann, elsewhere) == "/"


def test_sign_in_page_learns_where_the_person_wanted_to_go(provider: Provider, ann: TestClient) -> None:
    provider.person(groups=[])
    location = sign_in(ann, "/jobs?page=2")
    assert parse_qs(urlsplit(location).query)["next"] == ["/jobs?page=2"]


def test_without_a_provider_there_is_no_way_but_the_password(configure: Callable[..., None], ann: TestClient) -> None:
    assert ann.get(f"{AUTH}/methods").json() == {"password": True, "oidc": None}
    assert problem(ann.get(f"{AUTH}/oidc/start").headers["location"]) == "oidc-off"
    assert problem(ann.get(f"{AUTH}/oidc/callback").headers["location"]) == "oidc-off"


def test_methods_name_the_button(provider: Provider, ann: TestClient) -> None:
    assert ann.get(f"{AUTH}/methods").json() == {"password": True, "oidc": {"label": "Sign in with Example"}}


def test_passwords_work_beside_the_provider(provider: Provider, ann: TestClient, super_admin: Person) -> None:
    body = {"email": super_admin.email, "password": PASSWORD}
    assert ann.post(f"{AUTH}/sign-in", json=body).status_code == 200
    assert me(ann)


@pytest.mark.parametrize("issuer", ["https://other.example", "", None])
def test_description_of_another_issuer_is_refused(provider: Provider, ann: TestClient, issuer: Any) -> None:
    provider.behave(discovery={"issuer": issuer})
    assert problem(ann.get(f"{AUTH}/oidc/start").headers["location"]) == "oidc-unavailable"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_description_that_leads_over_plain_http_is_refused(provider: Provider, ann: TestClient, name: str) -> None:
    provider.behave(discovery={name: "http://provider.example/here"})
    assert problem(ann.get(f"{AUTH}/oidc/start").headers["location"]) == "oidc-unavailable"


def test_opening_the_callback_over_and_over_does_not_fill_the_log(provider: Provider, ann: TestClient) -> None:
    for _ in range(5):
        assert problem(ann.get(f"{AUTH}/oidc/callback?code=x&state=y").headers["location"]) == "oidc-expired"
    assert refusals() == ["oidc-expired"]


def test_no_event_holds_what_the_provider_wrote(provider: Provider, ann: TestClient) -> None:
    provider.behave(fault="token-error")
    sign_in(ann)
    assert "<script>" not in str([event.model_dump() for event in events("refused")])
