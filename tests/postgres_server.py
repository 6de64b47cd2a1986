"""A real PostgreSQL of the tests' own: on a free port, in a folder of its own, gone when they are."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest

_PLACES: Final = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql*/bin")

_QUICK: Final = (
    "fsync=off",  # what a power cut leaves is not tried here; what a killed server leaves is
    "full_page_writes=off",
    "max_wal_size=256MB",
    "autovacuum=off",
    "max_connections=60",
    "shared_buffers=32MB",
    "restart_after_crash=on",
)


def postgres_programs() -> Path | None:
    """The folder of initdb and postgres, where a machine has them."""
    for place in _PLACES:
        for folder in sorted(Path("/").glob(place), reverse=True):
            if (folder / "initdb").exists() and (folder / "postgres").exists():
                return folder
    found = shutil.which("initdb")
    return None if found is None else Path(found).parent


def _where_everybody_may_be() -> Path:
    """TMPDIR, or /tmp if another user may not enter that, or its name is too long for a socket.

    Not below pytest's folder, for both reasons.
    """
    folder = Path(tempfile.gettempdir())
    if len(str(folder)) < 60 and all(
        each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents)
    ):
        return folder
    return Path("/tmp")


class PostgresServer:
    """Several databases' worth of one: each `schema()` is an address with tables of its own.

    It runs as another user than root, who may not run it.
    """

    def __init__(self, programs: Path, *, settings: Sequence[str] = _QUICK) -> None:
        self._programs = programs
        self._settings = settings
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = Path(tempfile.mkdtemp(prefix="keebai-pg-", dir=_where_everybody_may_be()))
        self._as = self._other_user()
        self._process: subprocess.Popen[bytes] | None = None

    def _other_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        import pwd

        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                user = pwd.getpwnam(name)
                os.chown(self._folder, user.pw_uid, user.pw_gid)
                ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
                return ["setpriv", *ids, "--"]
        raise RuntimeError("there is nobody but root here, who may not run PostgreSQL")

    def make(self) -> None:
        """Make the database and start it."""
        words = [
            "-D",
            str(self._data),
            "-U",
            "keebai",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C",
        ]
        command = [*self._as, str(self._programs / "initdb"), *words]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True)
        self.start()

    def start(self) -> None:
        words = ["-D", str(self._data), "-p", str(self.port), "-k", str(self._folder), "-h", "127.0.0.1"]
        for setting in self._settings:
            words += ["-c", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as, str(self._programs / "postgres"), *words],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while True:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.address).close()
                return
            assert time.monotonic() < deadline, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.02)

    def stop(self, *, kill: bool = False) -> None:
        """End it: at once (SIGQUIT, as a crash would), or with rollbacks of what is under way."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT if kill else signal.SIGINT)
            process.wait()

    def restart(self, *, kill: bool = False) -> None:
        self.stop(kill=kill)
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def address(self) -> str:
        return f"postgresql://keebai@127.0.0.1:{self.port}/postgres"

    @property
    def by_socket(self) -> str:
        return f"postgresql://keebai@/postgres?host={self._folder}&port={self.port}"

    def schema(self) -> str:
        """An address at which nothing is yet."""
        return f"{self.address}?schema=k_{uuid.uuid4().hex[:16]}"

    def do(self, *statements: str) -> None:
        """As the owner of all of it."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.address, autocommit=True) as connection:
            return list(connection.execute(query.encode()).fetchall())


@contextmanager
def postgres_or_skip() -> Iterator[PostgresServer]:
    programs = postgres_programs()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs PostgreSQL (initdb and postgres): install it, or nothing of it is tested")
        pytest.skip("no PostgreSQL (initdb, postgres) on this machine: nothing of it is tested here")
    server = PostgresServer(programs)
    try:
        server.make()
        yield server
    finally:
        server.remove()
