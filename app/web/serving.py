"""How the web process is started: the one place that knows Reflex's internal switches.

The compiled front end is served by the process itself, so no Node is needed to run. The two names with a double
underscore are Reflex's own and not documented: `tests/browser` fails if an upgrade changes them.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FACTORY = "app.app:serve"
LOG_CONFIG = Path(__file__).with_name("granian_logging.json")
# No message of a page is nearly as large; `app/api/sockets.py` closes a socket that sends more.
MAX_EVENT_BYTES = 256 * 1024


def web_folder() -> Path:
    """Where Reflex builds the front end."""
    return Path(os.environ.get("REFLEX_WEB_WORKDIR", ROOT / ".web")).resolve()


def client_folder() -> Path:
    """The built front end."""
    return web_folder() / "build" / "client"


def web_environment() -> dict[str, str]:
    """What to add to the environment of the web process."""
    return {
        "__REFLEX_SKIP_COMPILE": "true",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_BACKEND_ONLY": "true",
        "REFLEX_USE_GRANIAN": "true",
        "REFLEX_SOCKET_MAX_HTTP_BUFFER_SIZE": str(MAX_EVENT_BYTES),
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_WEB_WORKDIR": str(web_folder()),
        "PYTHONPATH": os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part),
    }


def web_command(host: str, port: int) -> list[str]:
    """The web process: dashboard, API and live channel on one port. One worker: it holds the pages' states."""
    server = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--no-access-log"]
    server += ["--log-config", str(LOG_CONFIG)]
    # Open sockets of browsers would keep a worker from ending.
    server += ["--workers-kill-timeout", "5"]
    return [*server, "--workers", "1", "--host", host, "--port", str(port), FACTORY]
