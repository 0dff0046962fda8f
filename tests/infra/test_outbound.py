"""The way out: where it may lead, that it goes where it looked, and that it always comes to an end."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.errors import Invalid
from app.infra.outbound import MAX_ANSWER, Outbound, Unreachable
from tests.support.receiver import Receiver, receiver, status

PUBLIC = "93.184.215.14"


def resolves(*answers: Sequence[str]) -> Callable[[str], Sequence[str]]:
    """Name servers that answer the next of `answers` each time they are asked."""
    left = list(answers)
    return lambda _host: left.pop(0)


def strict(*addresses: str) -> Outbound:
    return Outbound(resolver=lambda _host: addresses)


def near(**options: object) -> Outbound:
    """Private networks allowed, every name leads to this machine."""
    return Outbound(**{"allow_private": True, "resolver": lambda _host: ["127.0.0.1"], **options})  # type: ignore[arg-type]


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https:///path", "https://user@example.org/",
        "https://user:secret@example.org/", "https://@example.org/", "https://example.org/#part", "javascript:alert(1)",
        "https://example.org:0/", "https://example.org:22/", "https://example.org:80/", "https://example.org:99999/",
        "https://exa mple.org/", "https://example.org/a b", "https://example.org\\@evil.test/", "https://exämple.org/",
        "https://example.org/\r\nX: y", "https://[::1/", "https://example.org:x/", "example.org", "",
    ],
)  # fmt: skip
def test_address_that_could_mislead_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        strict(PUBLIC).check(url)
    assert refusal.value.fields == {"field": "url"}
    assert "secret" not in refusal.value.message


@pytest.mark.parametrize("url", ["https://example.org", "https://example.org:8443/hook?x=1", "https://[2606:4700::1]/"])
def test_public_https_address_is_accepted(url: str) -> None:
    assert strict(PUBLIC).check(url).addresses == (PUBLIC,)


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), (PUBLIC, "10.0.0.7"), ("169.254.169.254",), (PUBLIC, "::ffff:192.168.0.1")]
)
def test_name_with_any_private_address_is_refused(addresses: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="TRAINYARD_WEBHOOK_ALLOW_PRIVATE"):
        strict(*addresses).check("https://example.org/")


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:7f00:1]", "0.0.0.0"]
)
def test_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(Invalid):
        Outbound().check(f"https://{host}/")


def test_unknown_name_is_named() -> None:
    def unknown(_host: str) -> Sequence[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(Invalid, match=r"'nowhere\.invalid' cannot be resolved"):
        Outbound(resolver=unknown).check("https://nowhere.invalid/")


def test_name_that_changes_its_mind_is_refused_when_something_is_sent() -> None:
    rebinding = Outbound(resolver=resolves([PUBLIC], ["127.0.0.1"]))
    rebinding.check("https://rebind.test:8443/")
    with pytest.raises(Invalid, match="private"):
        rebinding.post("https://rebind.test:8443/", {}, b"{}")


def test_connection_goes_to_the_address_that_was_looked_at_and_asks_only_once(inbox: Receiver) -> None:
    once = near(resolver=resolves(["127.0.0.1"]))
    assert once.post(f"http://hooks.example.test:{inbox.port}/in?x=1", {"webhook-id": "7"}, b"{}") == 200
    (got,) = inbox.got
    assert (got.path, got.headers["host"]) == ("/in?x=1", f"hooks.example.test:{inbox.port}")
    assert (got.headers["webhook-id"], got.body) == ("7", b"{}")


def test_next_address_is_tried_when_the_first_does_not_answer(inbox: Receiver) -> None:
    two = near(resolver=lambda _host: ["127.0.0.2", "127.0.0.1"])
    assert two.post(f"http://hooks.example.test:{inbox.port}/", {}, b"{}") == 200


def test_redirect_to_a_private_address_is_only_a_status(inbox: Receiver) -> None:
    inbox.answers = [status(307, Location=inbox.url)]
    assert near().post(inbox.url, {}, b"{}") == 307
    assert len(inbox.got) == 1


def test_proxy_of_the_environment_is_not_asked(inbox: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert near().post(f"http://hooks.example.test:{inbox.port}/", {}, b"{}") == 200


def test_refused_connection_is_told_in_words() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="No connection: connection refused"):
        near().post(f"http://hooks.example.test:{port}/", {}, b"{}")


def drip(piece: bytes) -> tuple[int, threading.Event]:
    """A server that sends `piece` again and again, faster than any single wait ends; its port."""
    listener, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, listener:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                try:
                    connection.sendall(piece)
                except OSError:
                    return

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], over


def test_answer_that_drips_ends_with_the_deadline() -> None:
    port, over = drip(b"X-Slow: yes\r\n")
    with pytest.raises(Unreachable, match="No answer within"):
        near(total_seconds=0.5).post(f"http://hooks.example.test:{port}/", {}, b"{}")
    over.set()


def test_endless_answer_is_read_to_its_limit_only() -> None:
    port, over = drip(b"\r\n" + b"x" * MAX_ANSWER)
    assert near().post(f"http://hooks.example.test:{port}/", {}, b"{}") == 200
    over.set()


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context for `name`, and the file of its own certificate."""
    key, subject = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, private = folder / "server.pem", folder / "server.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, none))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return context, chain


def test_tls_checks_the_name_and_not_the_address(tmp_path: Path) -> None:
    server, authority = certificate(tmp_path, "hooks.example.test")
    trusting = near(trust=lambda: ssl.create_default_context(cafile=str(authority)))
    with receiver(server) as inbox:
        assert trusting.post(f"https://hooks.example.test:{inbox.port}/", {}, b"{}") == 200
        with pytest.raises(Unreachable, match="certificate is not valid"):
            trusting.post(f"https://other.example.test:{inbox.port}/", {}, b"{}")
        with pytest.raises(Unreachable, match="certificate is not valid"):
            near().post(f"https://hooks.example.test:{inbox.port}/", {}, b"{}")
    assert len(inbox.got) == 1
