"""Proxies of the environment and of a lent session are used, or refused with a word; what TLS says."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from keebai_async.credentials import Token
from keebai_async.errors import InvalidInput
from keebai_async.transport.failure_words import words_of
from keebai_async.transport.proxy import Proxy, proxy_of
from keebai_async.transport.reply import Answer, Failure, Stage
from keebai_async.transport.request import Request, RequestKind
from keebai_async.transport.session import Session
from tests.transport.wire_server import answers, closed_port, message, serving

TOKEN = Token("kbai_pk_" + "5ec2e7" * 10)
SUBMIT = Request(method="POST", path="/messages/bulk", body=b'{"recipients":[]}', kind=RequestKind.SUBMIT)
SERVICE = "https://api.keebai.test/v1"


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://large:1"}, "http://small:1"),
        ({"HTTPS_PROXY": "p:3128"}, "http://p:3128"),
        ({"HTTPS_PROXY": "http://user:secret@p:1/"}, "http://p:1"),
        ({"HTTPS_PROXY": "https://p"}, "https://p"),
        ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        ({"ALL_PROXY": "http://all:1"}, "http://all:1"),
        ({"all_proxy": "http://all:1", "HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": "  "}, None),
    ],
)
def test_the_environment_names_the_proxy(environment: dict[str, str], name: str | None) -> None:
    proxy = proxy_of(SERVICE, environment)
    assert (proxy and proxy.name) == name
    assert "secret" not in repr(proxy)


@pytest.mark.parametrize(
    ("spare", "spared"),
    [
        ("*", True),
        ("api.keebai.test", True),
        ("API.Keebai.Test", True),
        ("keebai.test", True),
        (".keebai.test", True),
        ("*.keebai.test", True),
        ("other, keebai.test", True),
        ("other keebai.test:443", False),
        ("keebai.test:8443", True),
        ("ai.test", False),
        ("keebai.test.evil", False),
        ("10.0.0.0/8", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_no_proxy_spares_names_domains_and_ports(spare: str, spared: bool, variable: str) -> None:
    environment = {"HTTPS_PROXY": "http://p:1", variable: spare}
    assert (proxy_of("https://api.keebai.test:8443/v1", environment) is None) == spared


def test_no_proxy_spares_networks() -> None:
    environment = {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,::1"}
    assert proxy_of("https://10.1.2.3/v1", environment) is None
    assert proxy_of("https://11.1.2.3/v1", environment) is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_not_proxied_by_the_environment(host: str) -> None:
    environment = dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"], "http://p:1")
    assert proxy_of(f"http://{host}:8080/v1", environment) is None
    assert proxy_of(f"https://{host}:8080/v1", environment) is None


@pytest.mark.parametrize(
    "value", ["socks5://p:1", "socks5h://u:secret@p:1", "ftp://p", "http://", "http://p:x"]
)
def test_a_proxy_that_cannot_be_used_is_refused_and_not_passed_by(value: str) -> None:
    with pytest.raises(InvalidInput, match="HTTPS_PROXY") as raised:
        Session(SERVICE, TOKEN, environment={"HTTPS_PROXY": value})
    assert raised.value.field == "HTTPS_PROXY"
    assert "secret" not in str(raised.value)


@asynccontextmanager
async def proxying(reply: bytes = b"") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that connects to a port of this machine, or gives *reply*; and what it was told."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head)
            if reply:
                writer.write(reply)
                await writer.drain()
            else:
                port = int(head.split(b" ")[1].rpartition(b":")[2])
                there, back = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (message(407), "wants a user and a password (407): put them in HTTPS_PROXY"),
        (message(403), "did not connect us (403)"),
        (message(502), "did not connect us (502)"),
        (b"\r\n", ""),
    ],
)
async def test_a_proxy_that_does_not_connect_us_got_nothing_to_send(reply: bytes, words: str) -> None:
    async with (
        proxying(reply) as (address, heads),
        Session(SERVICE, TOKEN, environment={"HTTPS_PROXY": f"http://user:secret@{address}"}) as session,
    ):
        failure = await session.send(SUBMIT)
        assert session.proxy == f"through the proxy http://{address} (HTTPS_PROXY)"
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.NOT_WRITTEN
    assert words in failure.reason
    assert "secret" not in failure.reason
    assert heads[0].startswith(b"CONNECT api.keebai.test:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in heads[0]
    assert TOKEN.reveal().encode() not in heads[0]


async def test_a_proxy_that_is_not_there_is_named() -> None:
    environment = {"HTTPS_PROXY": f"http://127.0.0.1:{closed_port()}"}
    async with Session(SERVICE, TOKEN, environment=environment) as session:
        failure = await session.send(SUBMIT)
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.NOT_WRITTEN
    assert failure.reason.startswith("the connection to the proxy http://127.0.0.1:")


async def test_the_proxy_of_a_lent_session_is_used_even_for_this_machine() -> None:
    async with serving(answers(message(202, b'{"broadcast_id":"b"}'))) as gate:
        address = gate.url.removesuffix("/v1")
        async with (
            aiohttp.ClientSession(proxy=address) as lent,
            Session(f"http://127.0.0.1:{closed_port()}/v1", TOKEN, client=lent, environment={}) as session,
        ):
            answer = await session.send(SUBMIT)
            assert session.proxy == f"through the proxy {address} (session=)"
    assert isinstance(answer, Answer)
    assert gate.requests[0].startswith(b"POST http://127.0.0.1:")


async def test_a_lent_session_without_a_proxy_takes_that_of_the_environment_unless_it_has_its_own_ways() -> (
    None
):
    class Tunnel(aiohttp.TCPConnector):
        """As a connector that speaks SOCKS."""

    environment = {"HTTPS_PROXY": "http://p:1"}
    async with (
        aiohttp.ClientSession() as usual,
        aiohttp.ClientSession(connector=Tunnel()) as special,
        Session(SERVICE, TOKEN, client=usual, environment=environment) as first,
        Session(SERVICE, TOKEN, client=special, environment=environment) as second,
    ):
        assert (first.proxy, second.proxy) == ("through the proxy http://p:1 (HTTPS_PROXY)", "no proxy")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of it: `good` and `old` for localhost, `other` for another host."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 asks for it
    openssl(
        *new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Company", "-days", "30", *usage
    )
    for name, host, days in (
        ("good", "localhost", "9"),
        ("old", "localhost", "0"),
        ("other", "else.test", "9"),
    ):
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        (folder / "names").write_text(
            f"subjectAltName=DNS:{host},DNS:api.{host}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        signed = ("-in", f"{name}.csr", "-out", f"{name}.pem", "-days", days, "-extfile", "names")
        openssl("x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", *signed)
    return folder


async def over_tls(
    certificates: Path, name: str, *, trusted: bool = True, proxied: bool = False
) -> tuple[Answer | Failure, list[bytes]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    ours = ssl.create_default_context(cafile=certificates / "ca.pem") if trusted else True
    async with (
        serving(answers(message(202)), tls=context) as server,
        proxying() as (address, heads),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=ours)) as lent,
    ):
        host = "api.localhost" if proxied else "localhost"
        environment = {"HTTPS_PROXY": address} if proxied else {}
        url = f"https://{host}:{server.port}/v1"
        async with Session(url, TOKEN, client=lent, environment=environment) as session:
            await session.send(Request(method="GET", path="/me"))
            await session.send(Request(method="GET", path="/me"))
            outcome = await session.send(SUBMIT)
        assert server.connections <= 2 or isinstance(outcome, Failure)
        return outcome, heads


async def test_over_tls_a_request_is_watched_all_the_same(certificates: Path) -> None:
    outcome, heads = await over_tls(certificates, "good")
    assert isinstance(outcome, Answer)
    assert (outcome.status, heads) == (202, [])


async def test_a_tunnel_through_a_proxy_is_watched_all_the_same(certificates: Path) -> None:
    outcome, heads = await over_tls(certificates, "good", proxied=True)
    assert isinstance(outcome, Answer)
    assert len(heads) == 2
    assert heads[0].startswith(b"CONNECT api.localhost:")


@pytest.mark.parametrize(
    ("name", "trusted", "words"),
    [
        ("good", False, "of an unknown authority"),
        ("old", True, "is expired"),
        ("other", True, "is for another host"),
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
async def test_a_certificate_that_is_not_accepted_says_why(
    certificates: Path, name: str, trusted: bool, words: str, proxied: bool
) -> None:
    if name == "old":
        await asyncio.sleep(1.0)  # it is good for less than a second
    failure, _ = await over_tls(certificates, name, trusted=trusted, proxied=proxied)
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.NOT_WRITTEN
    assert words in failure.reason


def test_an_unknown_authority_names_the_variable_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = 20, "unable to get local issuer certificate"
    raised = aiohttp.ClientConnectorCertificateError(None, error)  # type: ignore[arg-type]
    proxy = Proxy(url="http://p", name="http://p", source="HTTPS_PROXY")

    def said(environment: dict[str, str]) -> str:
        return words_of(raised, proxy=proxy, environment=environment)

    assert "name a file with its certificate in SSL_CERT_FILE" in said({})
    assert "SSL_CERT_FILE names /no/such.pem, which is no file" in said({"SSL_CERT_FILE": "/no/such.pem"})
    (tmp_path / "ca.pem").write_text("")
    assert "name another file" in said({"SSL_CERT_FILE": str(tmp_path / "ca.pem")})
