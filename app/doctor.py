"""What is missing or misconfigured on this machine, in plain words: `./trainyard doctor`.

Looks and changes nothing. Each check answers for one thing and knows what to do about it; what only the tests or the
demonstration need is told and is no fault. Servers that are chosen by address are asked; embedded ones are asked when
they run, and otherwise looked at on disk.
"""

import difflib
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from pydantic import ValidationError

from app.errors import Unavailable
from app.infra.embedded import embedded_settings, external, postgres, s3, valkey
from app.infra.identity_provider import IdentityProvider
from app.settings import EVERY_ADDRESS, Settings

ROOT = Path(__file__).resolve().parent.parent
LEAST_FREE_BYTES = 1_000_000_000
LEAST_NODE = (22, 22)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOST_SETTINGS = ("host", "public_url", "allowed_hosts")
# What is read from the environment beside the settings.
OTHER_NAMES = (
    "TORCH", "TORCH_INDEX", "PG_BIN", "VALKEY_BIN", "RCLONE_BIN", "REQUIRE_BROWSER", "PASSPHRASE_FILE",
)  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One finding. `advice` says what to do when it is not ok."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def diagnose(settings_env: Mapping[str, str]) -> list[Check]:
    """All checks for the product as this environment (TRAINYARD_* and PATH) would start it."""
    data_dir = Path(settings_env.get("TRAINYARD_DATA_DIR") or ROOT / ".trainyard").resolve()
    running = embedded_settings(data_dir)
    env = {**settings_env, **running}
    return [
        _python(),
        _settings(settings_env),
        _disk(data_dir),
        _write_access(data_dir),
        _web_port(settings_env, bool(running)),
        _host_names(settings_env),
        _postgres(settings_env, running, data_dir),
        _redis(settings_env, running),
        _s3(settings_env, running),
        _single_sign_on(settings_env),
        _migrations(env.get("TRAINYARD_DATABASE_URL", "")),
        _torch(),
        _node(),
        _front_end(),
        _edge_environment(),
        _browser(settings_env),
    ]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info >= (3, 11)
    return Check("Python", ok, f"{version} at {sys.executable}", "Start with ./trainyard, which chooses a newer Python")


def _settings(env: Mapping[str, str]) -> Check:
    fields = Settings.model_fields
    given = {name.removeprefix("TRAINYARD_"): value for name, value in env.items() if name.startswith("TRAINYARD_")}
    known = [*(name.upper() for name in fields), *OTHER_NAMES]
    for name in given:
        if name not in known and (near := difflib.get_close_matches(name, known, 1, 0.85)):
            return Check(
                "Settings", False, f"TRAINYARD_{name} is no setting", f"Did you mean TRAINYARD_{near[0]}? See README.md"
            )
    try:
        Settings(**{name.lower(): value for name, value in given.items() if name.lower() in fields})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [
            f"{'TRAINYARD_' + str(f['loc'][0]).upper() if f['loc'] else ''} {f['msg'].removeprefix('Value error, ')}"
            for f in error.errors()
        ]
        return Check("Settings", False, "; ".join(faults).strip(), "Correct it; README.md lists all settings")
    return Check("Settings", True, f"{len(given)} set in the environment, all others at their defaults")


def _disk(data_dir: Path) -> Check:
    place = _existing(data_dir)
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {place}"
    advice = "Make room, or set TRAINYARD_DATA_DIR to a folder on another disk"
    return Check("Disk space", free >= LEAST_FREE_BYTES, detail, advice)


def _write_access(data_dir: Path) -> Check:
    place = _existing(data_dir)
    ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    detail = f"{place} can be written to" if ok else f"{place} cannot be written to by user id {os.geteuid()}"
    return Check("Data folder", ok, detail, f"Give yourself {place}, or set TRAINYARD_DATA_DIR to a folder of your own")


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _web_port(env: Mapping[str, str], running: bool) -> Check:
    host, port = env.get("TRAINYARD_HOST") or "127.0.0.1", env.get("TRAINYARD_PORT") or "8700"
    advice = f"Stop the program that uses it, or set TRAINYARD_PORT to another port than {port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except (OSError, ValueError, OverflowError) as error:
            if running:
                return Check("Web port", True, f"{host}:{port} is used, and Trainyard is running")
            return Check("Web port", False, f"{host}:{port} cannot be used: {error}", advice)
    return Check("Web port", True, f"{host}:{port} is free")


def _host_names(env: Mapping[str, str]) -> Check:
    """Whether browsers and edge servers on other machines are answered, where the server listens to them."""
    given = {name: env[f"TRAINYARD_{name.upper()}"] for name in HOST_SETTINGS if env.get(f"TRAINYARD_{name.upper()}")}
    settings = Settings.model_construct(**given)  # whether they are valid is told above
    detail = f"answers to {', '.join(sorted(settings.host_names))}; whoever calls it by another name gets 400"
    ok = bool(settings.public_url) or settings.host not in EVERY_ADDRESS
    advice = "Set TRAINYARD_PUBLIC_URL to the address of this machine that browsers and edge servers use"
    return Check("Host names", ok, detail, advice)


def _asked(name: str, what: str, ask: Callable[[], object]) -> Check:
    """A check that asks a server; its errors say themselves what to do."""
    try:
        ask()
    except Unavailable as error:
        detail, _, advice = error.message.partition(". ")
        return Check(name, False, detail, advice)
    return Check(name, True, what)


def _postgres(env: Mapping[str, str], running: Mapping[str, str], data_dir: Path) -> Check:
    chosen, own = env.get("TRAINYARD_DATABASE_URL"), running.get("TRAINYARD_DATABASE_URL")
    if url := chosen or own:
        what = f"{'external' if chosen else 'embedded'}, answers at {external.without_password(url)}"
        return _asked("PostgreSQL", what, lambda: external.check_postgres(url))
    what = f"embedded, not running; starts with the product, data in {data_dir / 'postgres'}"
    return _asked("PostgreSQL", what, lambda: postgres.Postgres(data_dir, data_dir / "run", env).check_version())


def _redis(env: Mapping[str, str], running: Mapping[str, str]) -> Check:
    chosen, own = env.get("TRAINYARD_REDIS_URL"), running.get("TRAINYARD_REDIS_URL")
    if url := chosen or own:
        what = f"{'external' if chosen else 'embedded'}, answers at {external.without_password(url)}"
        return _asked("Redis or Valkey", what, lambda: external.check_redis(url))
    what = "embedded, not running; starts with the product"
    return _asked("Redis or Valkey", what, lambda: valkey.binary(env))


def _s3(env: Mapping[str, str], running: Mapping[str, str]) -> Check:
    settings = {**env, **running}
    if endpoint := settings.get("TRAINYARD_S3_ENDPOINT"):
        what = f"{'external' if env.get('TRAINYARD_S3_ENDPOINT') else 'embedded'}, answers at {endpoint}"
        return _asked("S3 store", what, lambda: external.check_s3(settings))
    return _asked("S3 store", "embedded, not running; starts with the product", lambda: s3.binary(env))


def _single_sign_on(env: Mapping[str, str]) -> Check:
    name, url = "Single sign-on", env.get("TRAINYARD_OIDC_DISCOVERY_URL")
    if not url:
        return Check(name, True, "not set up; people sign in with passwords")
    advice = "Correct TRAINYARD_OIDC_DISCOVERY_URL, or let this machine reach the provider"
    try:
        issuer = IdentityProvider(url).metadata().issuer
    except Unavailable as error:
        return Check(name, False, error.message, advice)
    return Check(name, True, f"provider {issuer} answers")


def _migrations(url: str) -> Check:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(ROOT / "alembic"))
    head = ScriptDirectory.from_config(config).get_current_head()
    if not url:
        return Check("Database schema", True, f"newest is {head}; looked at when the database runs")
    try:
        have = external.schema_revision(url)
    except Unavailable as error:
        return Check("Database schema", False, "cannot be read", error.message)
    detail = f"{have or 'empty'}, newest is {head}"
    return Check("Database schema", have == head, detail, "Run ./trainyard migrate")


def _torch() -> Check:
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Check("PyTorch", False, "not installed", "Run ./trainyard up, which installs it")
    flavour = "CPU" if "+cpu" in version else "GPU or the platform's own"
    hint = ""
    if flavour == "CPU" and shutil.which("nvidia-smi"):
        hint = "; this machine seems to have an NVIDIA GPU, TRAINYARD_TORCH=cuda would use it"
    return Check("PyTorch", True, f"{version} ({flavour}){hint}")


def _node() -> Check:
    node = Path(sys.executable).with_name("node")
    if not node.exists():
        return Check("Node", False, f"none at {node}", "Run ./trainyard up, which installs it")
    told = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=False).stdout.strip()
    numbers = told.lstrip("v").split(".")
    ok = len(numbers) > 1 and tuple(int(part) for part in numbers[:2]) >= LEAST_NODE
    return Check("Node", ok, f"{told or 'does not start'} at {node}", "Remove .venv and run ./trainyard up")


def _front_end() -> Check:
    if not (ROOT / ".web" / "build" / "client" / "index.html").exists():
        return Check("Front end", False, "not built", "Run ./trainyard up, which builds it")
    stale = "web" in _bootstrap_missing("web")
    detail = "built from other sources than these" if stale else "built from these sources"
    return Check("Front end", not stale, detail, "Run ./trainyard up, which builds it again")


def _edge_environment() -> Check:
    python = ROOT / ".trainyard" / "edge-venv" / "bin" / "python"
    if not python.exists():
        return Check("Edge environment", True, "not made; ./trainyard demo and test make it")
    stale = "edge" in _bootstrap_missing("edge")
    return Check("Edge environment", True, "older than its sources; remade when needed" if stale else "as its sources")


def _bootstrap_missing(part: str) -> list[str]:
    """What the script at the root would make again; it alone knows from what each part was made."""
    path = str(ROOT / "trainyard")
    spec = spec_from_loader("trainyard_bootstrap", SourceFileLoader("trainyard_bootstrap", path))
    assert spec
    assert spec.loader
    script = module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(script)
    finally:
        sys.dont_write_bytecode = before
    return list(script.missing([part]))


def _browser(env: Mapping[str, str]) -> Check:
    found = next((path for name in BROWSERS if (path := shutil.which(name, path=env.get("PATH")))), None)
    own = Path(env.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    if found is None and own.is_dir():
        found = next((str(path) for path in sorted(own.glob("chromium-*"))), None)
    return Check("Browser for tests", True, found or "none; browser tests are skipped (apt-get install chromium)")
