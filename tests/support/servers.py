"""The real servers of a test session, and one database, one Redis database and one bucket that no other run touches.

Embedded by default. `TRAINYARD_TEST_DATABASE_URL`, `TRAINYARD_TEST_REDIS_URL` and `TRAINYARD_TEST_S3_ENDPOINT` (with
`_ACCESS_KEY`, `_SECRET_KEY`, `_SECURE`) choose external ones. The product's own variables are never followed, so that
no test can touch real data.
"""

import os
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from app.infra.db import normalize_url
from app.infra.embedded import Stack
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# Each process of a test run empties a database of its own: with `-n 2` 9 and 10.
REDIS_DATABASE = 9 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_EXTERNAL = "TRAINYARD_TEST_"


@dataclass(frozen=True)
class Servers:
    """Where the servers are, and the names that this session uses on them. `env` are TRAINYARD_* settings."""

    env: Mapping[str, str]
    data_dir: Path
    template: str
    spare: "Spare"

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database on the server."""
        return database_url(self.env, database)

    def settings_for(self, database: str) -> dict[str, str]:
        """Every TRAINYARD_* variable for a process that uses `database`."""
        return {**self.env, "TRAINYARD_DATABASE_URL": self.url(database), "TRAINYARD_DATA_DIR": str(self.data_dir)}

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement outside any test database."""
        return run_sql(self.env, statement)

    @contextmanager
    def clone(self) -> Iterator[str]:
        """A migrated database of its own, dropped afterwards."""
        name = self.spare.take()
        try:
            yield name
        finally:
            self.spare.drop(name)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """A database of its own with nothing in it, dropped afterwards."""
        name = create_database(self.env, "template0")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Spare:
    """Clones of the template, the next one made while a test runs: copying takes longer than most tests."""

    def __init__(self, env: Mapping[str, str], template: str) -> None:
        self.env, self.template = env, template
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="spare-database")
        self._next = self._make()

    def take(self) -> str:
        """A clone."""
        made, self._next = self._next, self._make()
        return made.result(60)

    def drop(self, name: str) -> None:
        """Remove a clone, soon."""
        self._pool.submit(run_sql, self.env, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Remove the one that nobody took."""
        self.drop(self._next.result(60))
        self._pool.shutdown()

    def _make(self) -> Future[str]:
        return self._pool.submit(create_database, self.env, self.template)


@contextmanager
def start(folder: Path) -> Iterator[Servers]:
    """Start or check the servers and migrate the template that every test database is cloned from."""
    with Stack(folder, environment(), report=lambda _line: None) as stack:
        if not os.environ.get(f"{_EXTERNAL}DATABASE_URL"):
            _trade_durability_for_speed(stack.env)
        template = f"trainyard_template_{uuid.uuid4().hex[:12]}"
        run_sql(stack.env, f"CREATE DATABASE {template} TEMPLATE template0")
        try:
            migrate(database_url(stack.env, template))
            env = {
                **stack.env,
                "TRAINYARD_ENVIRONMENT": "test",
                # The names that test clients call the server by.
                "TRAINYARD_ALLOWED_HOSTS": "trainyard.test, testserver",
                # Only tests of the limits themselves may be slowed down by them.
                "TRAINYARD_RATE_LIMIT_PER_MINUTE": "1000000",
                "TRAINYARD_ANONYMOUS_LIMIT_PER_MINUTE": "1000000",
                "TRAINYARD_REDIS_URL": with_redis_database(stack.env["TRAINYARD_REDIS_URL"]),
                "TRAINYARD_S3_BUCKET": f"trainyard-test-{uuid.uuid4().hex[:12]}",
            }
            spare = Spare(env, template)
            yield Servers(env, folder, template, spare)
            spare.close()
        finally:
            run_sql(stack.env, f"DROP DATABASE IF EXISTS {template} WITH (FORCE)")


def create_database(env: Mapping[str, str], template: str) -> str:
    """A new database copied from `template`; its name."""
    name = f"trainyard_test_{uuid.uuid4().hex[:12]}"
    run_sql(env, f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


def environment() -> dict[str, str]:
    """This process's environment without the product's settings, and with the external servers meant for tests."""
    settings = {f"TRAINYARD_{name}".upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in settings}
    chosen = {
        f"TRAINYARD_{name.removeprefix(_EXTERNAL)}": value
        for name, value in os.environ.items()
        if name.startswith(_EXTERNAL)
    }
    return {**kept, **chosen}


def database_url(env: Mapping[str, str], database: str) -> str:
    """The address of `database` on the server that `env` names."""
    url = make_url(normalize_url(env["TRAINYARD_DATABASE_URL"])).set(database=database)
    return url.render_as_string(hide_password=False)


def with_redis_database(url: str) -> str:
    """`url` with a logical database that only tests use."""
    if url.startswith("unix://"):
        return f"{url.split('?')[0]}?db={REDIS_DATABASE}"
    head, _, tail = url.partition("://")
    return f"{head}://{tail.split('/')[0]}/{REDIS_DATABASE}"


def run_sql(env: Mapping[str, str], statement: str) -> list[tuple[object, ...]]:
    """Run one statement in autocommit on the database that `env` names."""
    plain = normalize_url(env["TRAINYARD_DATABASE_URL"]).replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(plain, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def alembic_config() -> Config:
    """The project's Alembic configuration, from any working directory."""
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "alembic"))
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database at `url` up (or, with `base`, down) to `revision`."""
    engine = create_engine(url)
    try:
        run_alembic(engine, "downgrade" if revision == "base" else "upgrade", revision)
    finally:
        engine.dispose()


def run_alembic(engine: Engine, action: str, *arguments: str) -> None:
    """One Alembic command on `engine`."""
    config = alembic_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        getattr(command, action)(config, *arguments)
        connection.commit()


def _trade_durability_for_speed(env: Mapping[str, str]) -> None:
    # Only for a server that ends with this session: nobody will miss its data after a crash.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        run_sql(env, f"ALTER SYSTEM SET {setting} = off")
    run_sql(env, "SELECT pg_reload_conf()")
