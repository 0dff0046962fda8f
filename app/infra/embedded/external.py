"""External servers in place of embedded ones: chosen by address, and asked at once whether they answer.

A wrong address or password is told within seconds, in a sentence without the password, before anything else starts.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import minio
import psycopg
import redis
import urllib3
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.supervisor import StartupError

CONNECT_SECONDS = 4
S3_NEEDS = ("TRAINYARD_S3_ACCESS_KEY", "TRAINYARD_S3_SECRET_KEY")


def check_postgres(url: str) -> None:
    """Raises StartupError when the database cannot be reached."""
    _connect(url).close()


def schema_revision(url: str) -> str | None:
    """The Alembic revision of a database, None when it has none. Raises StartupError when it cannot be reached."""
    with _connect(url) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    if not plain.startswith(("postgresql://", "postgres://")):
        raise StartupError(
            f"TRAINYARD_DATABASE_URL ({without_password(url)}) is no PostgreSQL address; it begins with postgresql://. "
            "Correct it, or unset it to use the embedded PostgreSQL"
        )
    try:
        return psycopg.connect(plain, connect_timeout=CONNECT_SECONDS)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise StartupError(
            f"the database of TRAINYARD_DATABASE_URL ({without_password(url)}) cannot be reached: {reason}. "
            "Correct the address, or unset it to use the embedded PostgreSQL"
        ) from error


def check_redis(url: str) -> None:
    """Raises StartupError when the Redis server cannot be reached."""
    try:
        client = redis.Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        client.ping()
        client.close()
    except (redis.RedisError, ValueError) as error:
        raise StartupError(
            f"the server of TRAINYARD_REDIS_URL ({without_password(url)}) cannot be reached: "
            f"{str(error).rstrip('.')}. Correct the address, or unset it to use the embedded Valkey"
        ) from error


def check_s3(settings: Mapping[str, str]) -> None:
    """Raises StartupError when the S3 server cannot be reached or refuses the keys."""
    endpoint = settings["TRAINYARD_S3_ENDPOINT"]
    missing = [name for name in S3_NEEDS if not settings.get(name)]
    if missing:
        raise StartupError(f"TRAINYARD_S3_ENDPOINT is set and {' and '.join(missing)} not; set all three, or none")
    pool = urllib3.PoolManager(timeout=CONNECT_SECONDS, retries=False)
    try:
        client = minio.Minio(
            endpoint,
            access_key=settings["TRAINYARD_S3_ACCESS_KEY"],
            secret_key=settings["TRAINYARD_S3_SECRET_KEY"],
            secure=is_true(settings.get("TRAINYARD_S3_SECURE", "")),
            region=settings.get("TRAINYARD_S3_REGION") or "us-east-1",
            http_client=pool,
        )
        client.bucket_exists(settings.get("TRAINYARD_S3_BUCKET") or "trainyard")
    except (minio.error.MinioException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise StartupError(
            f"the S3 server of TRAINYARD_S3_ENDPOINT ({endpoint}) cannot be used: {error}. "
            "Correct address and keys, or unset them to use the embedded S3 server"
        ) from error
    finally:
        pool.clear()


def is_true(text: str) -> bool:
    """How the settings read a yes."""
    return text.strip().lower() in {"1", "true", "yes", "on", "t", "y"}


def without_password(url: str) -> str:
    """The address with the password left out."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        user = f"{parts.username}:…@" if parts.username else ":…@"
        return parts._replace(netloc=user + parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        return "an address that cannot be read"
