"""The command `trainyard-edge`: enrol, run, status. The composition root of the node."""

import argparse
import fcntl
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from edge_node import __version__
from edge_node.config import Settings, load_settings
from edge_node.enrolment import KEY, TRUST, Enrolment, enrol, is_enrolled, load_enrolment
from edge_node.errors import EdgeError, Misconfigured
from edge_node.files import write_json_atomically

logger = logging.getLogger("edge_node")
FLAGS = ("data", "host", "port", "cloud", "token", "name")
RUNTIME = "runtime.json"


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns 0, or 2 with a sentence on stderr."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = load_settings({name: getattr(chosen, name, None) for name in FLAGS})
        logging.basicConfig(
            level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr
        )
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("tuf").setLevel(logging.WARNING)
        return int(chosen.command(settings))
    except EdgeError as error:
        print(f"trainyard-edge: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trainyard-edge", description="Trainyard's edge server.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="enrol | run | status")
    for name, command, text in (
        ("enrol", enrol_command, "trade a one-time token for an identity and a root of trust"),
        ("run", run_command, "serve; enrols first when a token is given and the folder is not enrolled yet"),
        ("status", status_command, "what this node is, what it serves and what went wrong last"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        sub.add_argument("--data", metavar="DIR", help="the node's folder (default edge-data)")
        if name in ("enrol", "run"):
            sub.add_argument("--cloud", metavar="URL", help="the cloud's address")
            sub.add_argument(
                "--token", help="the one-time token; better in TRAINYARD_EDGE_TOKEN, where ps cannot see it"
            )
            sub.add_argument("--name", help="what this node calls itself (default: the name given in the dashboard)")
        if name == "run":
            sub.add_argument("--host", help="address to listen on (default 127.0.0.1)")
            sub.add_argument("--port", help="port to listen on (default 9100; 0 takes any free one)")
    return parser


def enrol_command(settings: Settings) -> int:
    with held(settings.data):
        known = _enrol(settings)
    print(
        f"Enrolled as {known.name} (edge server {known.edge_server_id}). Now: trainyard-edge run --data {settings.data}"
    )
    return 0


def _enrol(settings: Settings) -> Enrolment:
    if not settings.cloud or not settings.token:
        raise Misconfigured("Enrolling needs --cloud URL and --token TOKEN (or TRAINYARD_EDGE_CLOUD and _TOKEN).")
    return enrol(settings.data, settings.cloud, settings.token, settings.name, settings.request_timeout_seconds)


def run_command(settings: Settings) -> int:
    with held(settings.data):
        if settings.token and not is_enrolled(settings.data):
            _enrol(settings)
        known = load_enrolment(settings.data)
        with listening(settings.host, settings.port) as listener:
            host, port = listener.getsockname()[:2]
            runtime = settings.data / RUNTIME
            from edge_node.node import serve  # here: loading the inference runtime takes a second, refusing to run none

            write_json_atomically(runtime, {"host": host, "port": port, "pid": os.getpid()})
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _ignore)  # uvicorn takes over, shuts down, and raises the signal once more
            serve(settings, known, settings.data / KEY, settings.data / TRUST, listener)
            runtime.unlink(missing_ok=True)
    logger.info("stopped")
    return 0


def _ignore(_number: int, _frame: object) -> None:
    """A second signal after an orderly stop is not a failure."""


def status_command(settings: Settings) -> int:
    known = load_enrolment(settings.data)
    try:
        runtime = json.loads((settings.data / RUNTIME).read_bytes())
        host = "127.0.0.1" if runtime["host"] in ("0.0.0.0", "::") else runtime["host"]  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        answer = httpx.get(f"http://{host}:{runtime['port']}/v1/status", timeout=5.0, trust_env=False)
        print(json.dumps(answer.raise_for_status().json(), indent=2))
        return 0
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        print(
            f"{known.name} (edge server {known.edge_server_id} at {known.cloud_url}) is not running.", file=sys.stderr
        )
        return 1


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process alone. Raises Misconfigured when another has it, or it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise Misconfigured(f"The folder {folder} cannot be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise Misconfigured(
                f"The folder {folder} is in use by another trainyard-edge (process {owner}): stop it or use another."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises Misconfigured when the address is taken or not ours."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise Misconfigured(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Choose another --port."
        ) from error
    with listener:
        yield listener


if __name__ == "__main__":
    sys.exit(main())
