"""/people: who may sign in and what they may do, and the organizations with their plans. For super admins."""

from typing import Any

import reflex as rx

from app.pages.common import SELECT, choice, field, filter_choice, filters, form_dialog, may
from app.pages.common import page as framed
from components.feedback import empty_state
from components.shell import section, stack
from components.stat import relative_time
from components.table import Column, Pager, Sorting, data_table, two_lines
from components.theme import status_badge
from state.organizations import OrganizationsState, OrganizationState
from state.people import PeopleState as S
from state.people import PersonState
from state.session import SessionState
from state.views.people import ROLE_NAMES
from state.views.usage import PLAN_NAMES

ROUTE, TITLE = "/people", "People · Trainyard"
ON_LOAD = [SessionState.load, S.load, OrganizationsState.load]
READ, WRITE, SET = "admin:users:read", "admin:users:write", "admin:organizations:write"
ROLES, PLANS = [(str(key), name) for key, name in ROLE_NAMES.items()], list(PLAN_NAMES.items())
ACTIVE = [("active", "Active"), ("disabled", "Deactivated")]


def _edit(permission: str, event: Any, name: Any, test_id: str) -> rx.Component:
    button = rx.button(
        "Edit",
        variant="soft",
        color_scheme="gray",
        size="1",
        on_click=event,
        aria_label="Edit " + name,
        data_testid=test_id,
    )
    return rx.cond(may(permission), button, rx.fragment())


def _name(row: Any) -> Any:
    return rx.cond(row["is_self"], row["name"] + " (you)", row["name"])


PEOPLE = [
    Column(
        "Person",
        lambda row: two_lines(_name(row), row["email"]),
        phone="title",
        sort="name",
    ),
    Column("Role", lambda row: two_lines(row["role"], row["organization"]), width="220px"),
    Column("State", lambda row: status_badge("account", row["state"]), width="150px"),
    Column("Last sign-in", lambda row: relative_time(row["last_sign_in_at"]), width="140px"),
    Column(
        "",
        lambda row: _edit(WRITE, PersonState.open_for(row["id"]), row["name"], "edit-person"),
        width="90px",
        align="right",
        phone="corner",
    ),
]
ORGANIZATIONS = [
    Column("Organization", lambda row: row["name"], phone="title"),
    Column("Plan", lambda row: row["plan"], width="220px"),
    Column("Created", lambda row: relative_time(row["created_at"]), width="140px"),
    Column(
        "",
        lambda row: _edit(SET, OrganizationState.open_for(row["id"]), row["name"], "edit-organization"),
        width="90px",
        align="right",
        phone="corner",
    ),
]


def _search() -> rx.Component:
    box = rx.input(
        rx.input.slot(rx.icon("search", size=14)),
        name="q",
        default_value=S.q,
        placeholder="Name or address begins with",
        aria_label="Search people",
        max_length=200,
        width="min(100%, 260px)",
        key=S.q,
    )
    return rx.form(box, on_submit=S.search, reset_on_submit=False, width="auto", data_testid="search")


def _people() -> rx.Component:
    filtered = (S.q != "") | (S.role != "") | (S.active != "")
    table = data_table(
        S.rows,
        PEOPLE,
        label="People",
        loading=S.loading,
        row_id=lambda row: row["id"],
        empty=empty_state(
            "users",
            rx.cond(filtered, "Nobody fits these filters", "Nobody yet"),
            rx.cond(filtered, "Take a filter away to see more.", "Whoever has an account stands here."),
        ),
        pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
        sorting=Sorting(S.sort, S.sort_by),
        test_id="people",
    )
    return section("People", table, flush=True)


def _organizations() -> rx.Component:
    state = OrganizationsState
    new = rx.button(
        rx.icon("plus", size=14),
        "New organization",
        size="1",
        on_click=OrganizationState.open_new,
        data_testid="new-organization",
    )
    table = data_table(
        state.rows,
        ORGANIZATIONS,
        label="Organizations",
        loading=state.loading,
        row_id=lambda row: row["id"],
        empty=empty_state(
            "building-2",
            "No organizations yet",
            "An organization is a customer: its people see its records and global ones, as far as its plan goes.",
        ),
        pager=Pager(state.has_previous, state.has_next, state.previous_page, state.next_page, state.summary),
        skeleton_rows=3,
        test_id="organizations",
    )
    return section("Organizations", table, actions=rx.cond(may(SET), new, rx.fragment()), flush=True)


def _chosen(name: str, options: list[tuple[str, str]], value: rx.Var[str]) -> rx.Component:
    """A select that begins with what is so now."""
    return rx.el.select(
        *[rx.el.option(label, value=key) for key, label in options],
        name=name,
        default_value=value,
        class_name="ty-select",
        style=SELECT,
    )


def _person_form() -> rx.Component:
    form = PersonState
    is_new = form.edited == 0
    credentials = rx.fragment(
        field("E-mail", rx.input(name="email", type="email", required=True, max_length=254)),
        field(
            "Password",
            rx.input(name="password", type="password", auto_complete="new-password", required=True, max_length=200),
            hint="12 characters at least. Hand it over in person; it can be changed under Your account.",
        ),
    )
    access = field(
        "Access",
        _chosen("active", ACTIVE, form.active),
        hint="Deactivating signs the person out everywhere and revokes their API tokens for good.",
    )
    return form_dialog(
        field("Name", rx.input(name="name", default_value=form.name, required=True, max_length=200)),
        rx.cond(is_new, credentials, rx.fragment()),
        field(
            "Role",
            _chosen("role", ROLES, form.role),
            hint="Super admins do everything. Organization admins look at their organization's records, on the "
            "Enterprise plan. Members have an account only.",
        ),
        field(
            "Organization",
            choice(
                "organization_id",
                form.organizations,
                placeholder="None",
                default_value=form.organization,
            ),
            hint="An organization admin needs one.",
        ),
        rx.cond(is_new, rx.fragment(), access),
        title=rx.cond(is_new, "New person", "Edit " + form.name),
        intro=rx.cond(is_new, "They sign in with the address and the password.", form.email),
        submit=rx.cond(is_new, "Create person", "Save"),
        state=form,
        open=form.is_open,
        on_open_change=form.set_open,
        on_submit=form.submit,
    )


def _organization_form() -> rx.Component:
    form = OrganizationState
    is_new = form.edited == 0
    return form_dialog(
        field("Name", rx.input(name="name", default_value=form.name, required=True, max_length=200)),
        field(
            "Plan",
            _chosen("plan", PLANS, form.plan),
            hint="Counts at once, for all people of the organization. What exists beyond a plan's limits stays.",
        ),
        title=rx.cond(is_new, "New organization", "Edit " + form.name),
        intro="The plan says whether its admins see the training interface, and how much they may use.",
        submit=rx.cond(is_new, "Create organization", "Save"),
        state=form,
        open=form.is_open,
        on_open_change=form.set_open,
        on_submit=form.submit,
    )


def page() -> rx.Component:
    """The people, the organizations, and their forms."""
    new = rx.button(
        rx.icon("user-plus", size=16), "New person", on_click=PersonState.open_new, data_testid="new-person"
    )
    return framed(
        "People",
        filters(
            _search(),
            filter_choice("Role", S.role, ROLES, S.filter_role),
            filter_choice("State", S.active, ACTIVE, S.filter_active),
        ),
        stack(_people(), _organizations()),
        _person_form(),
        _organization_form(),
        state=S,
        active="people",
        needs=READ,
        subtitle="Who may sign in, what they may do, and the organizations they belong to",
        actions=rx.cond(may(WRITE), new, rx.fragment()),
    )
