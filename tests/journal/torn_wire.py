"""A wire to PostgreSQL that tears: it stands between, and loses what is said when a commit goes by."""

import enum
import socket
import threading
from contextlib import suppress

from tests.postgres_server import PostgresServer


class Tear(enum.Enum):
    """What is lost, of a commit and its answer."""

    BEFORE = "the server never hears of it"
    AFTER = "the server does it, and its answer is lost"
    LATE = "the server hears of it when we have looked already whether it was done"


class TornWire:
    """Everything passes as it is, but for the *tears*, one for each commit in their order."""

    def __init__(self, server: PostgresServer) -> None:
        self.tears: list[Tear] = []
        self.torn = 0
        self.journeys = 0
        """How often a client had an answer, and then said something."""
        self.late: list[bytes] = []
        """What the server answered to commits that came late."""
        self._server = server
        self._held: list[tuple[_Line, bytes]] = []
        self._lock = threading.Lock()
        self._inbox = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._inbox.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start(self._serve)

    def address(self, schema: str) -> str:
        """An address that leads through it to the same tables as *schema*."""
        through = schema.replace(f":{self._server.port}/", f":{self.port}/")
        return f"{through}&sslmode=disable"

    def close(self) -> None:
        """Who uses it must be closed by now."""
        with suppress(OSError):
            self._inbox.shutdown(socket.SHUT_RDWR)
        self._inbox.close()
        for thread in list(self._threads):
            thread.join(10)

    def _start(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._inbox.accept()
                line = _Line(client, socket.create_connection(("127.0.0.1", self._server.port)))
                self._start(self._ask, line)
                self._start(line.answer)

    def _ask(self, line: "_Line") -> None:
        looked = False
        with line.client:
            while said := line.hear():
                if line.answered_last:
                    line.answered_last = False
                    self.journeys += 1
                if looked:
                    self._let_go()
                looked = b"RETURNING 1" in said
                tear = self._next_tear() if b"COMMIT" in said else None
                if tear is None:
                    line.say(said)
                    continue
                self.torn += 1
                line.lost.set()
                if tear is Tear.LATE:
                    with self._lock:
                        self._held.append((line, said))
                    return
                if tear is Tear.AFTER:
                    line.say(said)
                    line.answered.wait(10)
                break
        line.end()

    def _next_tear(self) -> Tear | None:
        with self._lock:
            return self.tears.pop(0) if self.tears else None

    def _let_go(self) -> None:
        """Let the server hear what was held."""
        with self._lock:
            held, self._held = self._held, []
        for line, said in held:
            line.say(said)
            line.answered.wait(10)
            self.late.append(line.answers)
            line.end()


class _Line:
    """One connection to the server, for one client. What it answers after a tear is heard by nobody."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self._server = server
        self.lost = threading.Event()
        self.answered = threading.Event()
        self.answers = b""
        self.answered_last = True

    def hear(self) -> bytes:
        with suppress(OSError):
            return self.client.recv(65_536)
        return b""

    def say(self, said: bytes) -> None:
        with suppress(OSError):
            self._server.sendall(said)

    def end(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)

    def answer(self) -> None:
        with self._server, suppress(OSError):
            while said := self._server.recv(65_536):
                if self.lost.is_set():
                    self.answers += said
                    self.answered.set()
                else:
                    self.answered_last = True
                    self.client.sendall(said)
        self.answered.set()
        with suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)
