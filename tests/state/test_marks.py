"""Every event handler that a browser could call says what it needs, and nothing passes that says nothing."""

from collections.abc import Callable

import pytest
from reflex_base.registry import RegisteredEventHandler, RegistrationContext

import app.app  # noqa: F401 registers every state of the product
from app.domain.permissions import Permission, PersonActor, Plan, Role, permissions_of
from app.errors import DomainError, Forbidden, Unauthenticated
from state.guard import INTERNAL, check
from state.marks import PUBLIC, Public, mark_of

HANDLERS = RegistrationContext.get().event_handlers
OURS = sorted(name for name, known in HANDLERS.items() if known.states[0].__module__.startswith("state"))
# What may be sent without signing in: it shows or hides messages of the sender's own tab, or fills the frame.
OPEN = {"load", "dismiss", "dismiss_failure", "report_failure"}

PEOPLE = {
    "nobody": None,
    "member": PersonActor(1, "m@example.test", "M", Role.MEMBER, 1, Plan.ENTERPRISE),
    "professional": PersonActor(2, "p@example.test", "P", Role.ORGANIZATION_ADMIN, 1, Plan.PROFESSIONAL),
    "enterprise": PersonActor(3, "e@example.test", "E", Role.ORGANIZATION_ADMIN, 1, Plan.ENTERPRISE),
    "super": PersonActor(4, "s@example.test", "S", Role.SUPER_ADMIN),
}

# What everybody who can sign in does with their own account.
OWN = {Permission.OWN_READ, Permission.OWN_WRITE}


def handler_name(name: str) -> str:
    return name.rpartition(".")[2]


def passes(name: str, actor: PersonActor | None) -> bool:
    try:
        check(HANDLERS.get(name), name, actor)
    except DomainError:
        return False
    return True


def test_the_product_registers_handlers() -> None:
    assert len(OURS) > 60


@pytest.mark.parametrize("name", [name for name in OURS if not name.endswith(".setvar")])
def test_every_handler_is_marked(name: str) -> None:
    mark = mark_of(HANDLERS[name].handler.fn)
    assert isinstance(mark, Permission | Public), f"{name} carries no mark; put @permission or @public on it"
    if mark is PUBLIC:
        assert handler_name(name) in OPEN, f"{name} is open to everybody; is that meant?"


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("datasets", Permission.DATASETS_READ),
        ("training_jobs", Permission.JOBS_READ),
        ("model_versions", Permission.MODELS_READ),
        ("edge_servers", Permission.EDGE_SERVERS_READ),
    ],
)
def test_the_events_that_lists_share_need_the_permission_of_each_list(name: str, needed: Permission) -> None:
    prefix = f"reflex___state____state.state___{name}____{name}_state"
    shared = ("next_page", "previous_page", "on_live")
    assert [mark_of(HANDLERS[f"{prefix}.{event}"].handler.fn) for event in shared] == [needed] * 3


@pytest.mark.parametrize("who", PEOPLE)
def test_handlers_times_roles(who: str) -> None:
    """Exactly those pass whose permission the person holds."""
    actor = PEOPLE[who]
    held = permissions_of(actor)
    for name in OURS:
        mark = mark_of(HANDLERS[name].handler.fn)
        expected = not name.endswith(".setvar") and (mark is PUBLIC or mark in held)
        assert passes(name, actor) is expected, f"{name} for {who}"


def test_who_may_not_see_the_interface_passes_no_handler_of_a_page() -> None:
    for who in ("nobody", "member", "professional"):
        passed = [name for name in OURS if passes(name, PEOPLE[who])]
        others = {name for name in passed if mark_of(HANDLERS[name].handler.fn) not in OWN}
        assert {handler_name(name) for name in others} <= OPEN
        assert all(".state___account____" in name for name in set(passed) - others)


def test_enterprise_admins_pass_no_handler_that_writes() -> None:
    writes = {
        name
        for name in OURS
        if isinstance(mark := mark_of(HANDLERS[name].handler.fn), Permission)
        and not mark.endswith(":read")
        and mark not in OWN
    }
    assert len(writes) > 20
    assert not [name for name in writes if passes(name, PEOPLE["enterprise"])]


def test_nobody_sets_variables_by_name() -> None:
    setters = [name for name in HANDLERS if name.endswith(".setvar")]
    assert setters
    assert not [name for name in setters if passes(name, PEOPLE["super"])]


def test_reflex_own_handlers_pass_by_name_only() -> None:
    """After an upgrade of Reflex a new handler of its own is refused until somebody looked at it."""
    theirs = {name for name in HANDLERS if name not in OURS and not name.endswith(".setvar")}
    assert theirs >= INTERNAL - {name for name in INTERNAL if name not in HANDLERS}
    assert not [name for name in theirs - INTERNAL if passes(name, PEOPLE["super"])]
    assert f"{next(iter(INTERNAL)).partition('.')[0]}.hydrate" in INTERNAL


def unmarked() -> None:
    """A handler whose author forgot the mark."""


@pytest.mark.parametrize("forge", [lambda fn: fn, lambda fn: setattr(fn, "__permission__", "everything") or fn])
def test_a_handler_without_a_real_mark_is_refused(forge: Callable[..., object]) -> None:
    known = HANDLERS[OURS[0]]
    handler = RegisteredEventHandler(handler=type(known.handler)(fn=forge(unmarked)), states=known.states)
    with pytest.raises(Forbidden):
        check(handler, "state.forgotten", PEOPLE["super"])


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(Forbidden):
        check(None, "state.made_up", PEOPLE["super"])


def test_nobody_is_asked_to_sign_in() -> None:
    name = next(name for name in OURS if isinstance(mark_of(HANDLERS[name].handler.fn), Permission))
    with pytest.raises(Unauthenticated):
        check(HANDLERS[name], name, None)
