"""People, as super admins manage them."""

from typing import Annotated

from fastapi import Query, Response, status

from app.api.deps import PageQuery, Run
from app.api.etags import CHECKS_TAG, SHOWS_TAG, IfMatchIn, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import DatabaseId, Page
from app.schemas.people import UserCreate, UserFilter, UserUpdate, UserView
from app.services import users

router = guarded_router(prefix="/users", tags=["people"])


class UserQuery(UserFilter, PageQuery):
    """Which people, and which page of them."""


@router.get("", summary="List people")
@allow(Permission.USERS_READ)
def list_users(run: Run, query: Annotated[UserQuery, Query()]) -> Page[UserView]:
    return run(users.list_users, query.part(UserFilter), query.cursor, query.limit)


@router.post("", summary="Create a person", status_code=status.HTTP_201_CREATED)
@allow(Permission.USERS_WRITE)
def create_user(run: Run, request: UserCreate) -> UserView:
    return run.create(users.create, request)


@router.get("/{user_id}", summary="Show a person", responses=SHOWS_TAG)
@allow(Permission.USERS_READ)
def get_user(run: Run, response: Response, user_id: DatabaseId) -> UserView:
    return tagged(response, run(users.get, user_id))


@router.put("/{user_id}", summary="Change, deactivate or reactivate a person", responses=CHECKS_TAG)
@allow(Permission.USERS_WRITE)
def update_user(
    run: Run, response: Response, user_id: DatabaseId, request: UserUpdate, if_match: IfMatchIn
) -> UserView:
    return tagged(response, run(users.update, user_id, request, if_match))
