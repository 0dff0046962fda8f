"""/account: who one is, where one is signed in, one's API tokens and password. For everybody who can sign in."""

from typing import Any

import reflex as rx

from app.pages.common import field, form_dialog, static_choice
from app.pages.common import page as framed
from components.feedback import confirm_dialog, empty_state
from components.secret_once import secret_once
from components.shell import facts, section, stack
from components.stat import relative_time
from components.table import Column, data_table, two_lines
from components.theme import chip, status_badge
from state.account import AccountState as S
from state.session import SessionState

ROUTE, TITLE = "/account", "Your account · Trainyard"
ON_LOAD = [SessionState.load, S.load]
SCOPES = [("read", "Read only: shows, and changes nothing"), ("full", "Full: may do what you may do")]
LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("366", "1 year")]
QUIET = {"variant": "soft", "color_scheme": "gray", "size": "1"}


def _end_session(row: Any) -> rx.Component:
    button = rx.button(
        "Sign out",
        **QUIET,
        on_click=S.revoke_session(row["id"]),
        aria_label="Sign out " + row["device"],
        data_testid="end-session",
    )
    return rx.cond(row["is_current"], chip("This device", icon="check", data_testid="this-device"), button)


def _sessions() -> rx.Component:
    everywhere = rx.button(
        rx.icon("log-out", size=14),
        "Sign out everywhere",
        **QUIET,
        on_click=S.open_form("leave"),
        data_testid="sign-out-everywhere",
    )
    columns = [
        Column("Device", lambda row: two_lines(row["device"], row["address"]), phone="title"),
        Column("Signed in", lambda row: relative_time(row["created_at"]), width="150px"),
        Column("By", lambda row: row["method"], width="150px"),
        Column("Last used", lambda row: relative_time(row["last_used_at"]), width="150px"),
        Column("", _end_session, width="140px", align="right", phone="corner"),
    ]
    table = data_table(
        S.sessions,
        columns,
        label="Where you are signed in",
        loading=S.loading,
        row_id=lambda row: row["id"],
        empty=empty_state("monitor", "No sessions", "This page was opened without one."),
        skeleton_rows=2,
        test_id="sessions",
    )
    return section("Where you are signed in", table, actions=everywhere, flush=True)


def _leave_form() -> rx.Component:
    """Ending everything; a form, so that what is ticked is sent with it and remembered nowhere."""
    tokens = rx.el.label(
        rx.el.input(type="checkbox", name="api_tokens", data_testid="also-tokens"),
        "Also revoke all my API tokens",
        style={"display": "flex", "gap": "8px", "align_items": "center", "font_size": "14px"},
    )
    return form_dialog(
        tokens,
        title="Sign out everywhere?",
        intro="Every session of yours ends, this one too. Scripts and apps that use your API tokens go on working, "
        "unless you revoke the tokens as well.",
        submit="Sign out everywhere",
        state=S,
        open=S.form == "leave",
        on_open_change=S.close_form,
        on_submit=S.sign_out_everywhere,
    )


def _revoke(row: Any) -> rx.Component:
    dialog = confirm_dialog(
        rx.button("Revoke", **QUIET, aria_label="Revoke " + row["name"], data_testid="revoke-token"),
        title="Revoke " + row["name"] + "?",
        consequences=["Whatever uses this token is refused from now on.", "It cannot be made valid again."],
        confirm_label="Revoke token",
        on_confirm=S.revoke_token(row["id"]),
        danger=True,
        test_id="confirm-revoke",
    )
    return rx.cond(row["state"] == "active", dialog, rx.fragment())


def _new_token(test_id: str) -> rx.Component:
    return rx.button(
        rx.icon("plus", size=14), "New token", size="1", on_click=S.open_form("token"), data_testid=test_id
    )


def _tokens() -> rx.Component:
    columns = [
        Column("Token", lambda row: two_lines(row["name"], row["scope"]), phone="title"),
        Column("State", lambda row: status_badge("token", row["state"]), width="150px"),
        Column("Last used", lambda row: relative_time(row["last_used_at"]), width="150px"),
        Column("Expires", lambda row: relative_time(row["expires_at"]), width="150px"),
        Column("", _revoke, width="140px", align="right", phone="corner"),
    ]
    table = data_table(
        S.tokens,
        columns,
        label="Your API tokens",
        loading=S.loading,
        row_id=lambda row: row["id"],
        empty=empty_state(
            "key-round",
            "No API tokens",
            "A token lets a script or an app work in your name, without your password. It may do what you may do, or "
            "only read.",
            _new_token("first-token"),
        ),
        skeleton_rows=2,
        test_id="tokens",
    )
    return section("API tokens", table, actions=_new_token("new-token"), flush=True)


def _token_form() -> rx.Component:
    return form_dialog(
        field("Name", rx.input(name="name", placeholder="What it is for", required=True, max_length=200)),
        field("Scope", static_choice("scope", SCOPES, default="read")),
        field("Valid for", static_choice("days", LIFETIMES, default="90")),
        title="New API token",
        intro="Whoever has the token acts in your name. Its secret is shown once, after it is made.",
        submit="Create token",
        state=S,
        open=S.form == "token",
        on_open_change=S.close_form,
        on_submit=S.create_token,
    )


def _password_form() -> rx.Component:
    def secret(name: str, autocomplete: str, **props: Any) -> rx.Component:
        return rx.input(name=name, type="password", auto_complete=autocomplete, required=True, max_length=200, **props)

    return form_dialog(
        field("Present password", secret("current_password", "current-password")),
        field("New password", secret("new_password", "new-password", min_length=12), hint="12 characters at least."),
        field("New password again", secret("repeated_password", "new-password")),
        title="Change password",
        intro="All your other sessions end. API tokens go on working; revoke them here if somebody may know them.",
        submit="Change password",
        state=S,
        open=S.form == "password",
        on_open_change=S.close_form,
        on_submit=S.change_password,
    )


def _about() -> rx.Component:
    change = rx.button(
        rx.icon("lock", size=14),
        "Change password",
        **QUIET,
        on_click=S.open_form("password"),
        data_testid="change-password",
    )
    about = facts(
        ("Name", S.person["name"]),
        ("E-mail", S.person["email"]),
        ("Role", S.person["role"]),
        ("Organization", rx.cond(S.person["organization"] != "", S.person["organization"], "None")),
        ("Plan", rx.cond(S.person["plan"] != "", S.person["plan"], "–")),
    )
    return section("You", about, actions=change, data_testid="about-you")


def page() -> rx.Component:
    """The person, the sessions and the tokens."""
    return framed(
        "Your account",
        stack(_about(), _sessions(), _tokens()),
        _leave_form(),
        _token_form(),
        secret_once(
            "Secret of " + S.made_name,
            "Send it as Authorization: Bearer … with every request. Copy it now: it is not shown again, and nobody can "
            "look it up. When you close this, the page forgets it too.",
            S.secret,
            S.forget_secret,
            test_id="token-secret",
        ),
        _password_form(),
        state=S,
        active="account",
        for_everybody=True,
        subtitle="Who you are here, where you are signed in, and what acts in your name",
    )
