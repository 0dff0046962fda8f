"""What both commands need: who acts, which dataset is meant, and a line that shows how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.auth import actors
from app.domain.permissions import PersonActor, Role, SystemActor
from app.errors import Invalid, NotFound
from app.infra.db import transaction
from app.schemas.datasets import DatasetFilter, DatasetView
from app.schemas.people import UserFilter
from app.services import datasets, users

OPERATOR = SystemActor("command line")
SOME_LEFT_OUT = 3


class AsPerson:
    """Runs services as one person, each in a transaction of its own."""

    def __init__(self, actor: PersonActor) -> None:
        self.actor = actor

    def __call__(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with transaction() as session:
            return service(session, self.actor, *args, **kwargs)


def person(email: str | None) -> AsPerson:
    """The person with that address; without one, the only super admin. Raises `Invalid` where there are several."""
    with transaction() as session:
        if email is not None:
            return AsPerson(actors.person_by_email(session, email.lower()))
        wanted = UserFilter(role=Role.SUPER_ADMIN, is_active=True)
        found = users.list_users(session, OPERATOR, wanted, None, 2).items
        if len(found) == 1:
            return AsPerson(actors.person_by_email(session, found[0].email))
    if not found:
        advice = "./trainyard users create you@example.org --name You"
        raise Invalid(f"Nobody can own the labels yet. Create a person: {advice}")
    raise Invalid("There are several super admins. Say who you are: --as you@example.org")


def dataset(run: AsPerson, wanted: str) -> DatasetView:
    """The dataset with that id or name. Raises `NotFound`, or `Invalid` if several have the name."""
    try:
        found: DatasetView = run(datasets.get, UUID(wanted))
    except ValueError:
        found = _by_name(run, wanted)
    return found


def _by_name(run: AsPerson, name: str) -> DatasetView:
    found = run(datasets.list_datasets, DatasetFilter(q=name, sort="name"), None, 200).items
    fits = [d for d in found if d.name == name]
    if not fits:
        raise NotFound(f"There is no dataset {name!r}. To make one: --dataset new:{name}")
    if len(fits) > 1:
        ids = ", ".join(f"{d.id} (version {d.version})" for d in fits)
        raise Invalid(f"Several datasets are called {name!r}. Name one by its id: {ids}.")
    return fits[0]


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on the screen of a person; call it with how many are done. Says nothing into a pipe."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
