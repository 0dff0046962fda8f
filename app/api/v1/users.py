"""People, as super admins manage them."""

from typing import Annotated

from fastapi import Query, status

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.lists import SortedQuery
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.people import UserCreate, UserFilter, UserView
from app.services import users

router = guarded_router(prefix="/users", tags=["people"])


class UserQuery(UserFilter, SortedQuery):
    """Which people, and which page of them."""


@router.get("", summary="List people")
@allow(Permission.USERS_READ)
def list_users(run: Run, query: Annotated[UserQuery, Query()]) -> Page[UserView]:
    return run(users.list_users, query.part(UserFilter), query.cursor, query.limit)


@router.post("", summary="Create a person", status_code=status.HTTP_201_CREATED)
@allow(Permission.USERS_WRITE)
def create_user(run: Run, request: UserCreate) -> UserView:
    return run.create(users.create, request)
