"""The product's repository: a real bare one, with the history that led to the live release, and hooks that tell of each push.

The history is the same in every sandbox of a product.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pam_sandbox import database
from pam_sandbox.builds import SITE
from pam_sandbox.database import migrations
from pam_sandbox.personalities import PAM_PLAN, Personality
from pam_sandbox.problems import SandboxError
from pam_sandbox.releases import RELEASES

BRANCH = "main"
FEATURE = "pam-refresh"
BACKEND, FRONTEND = "backend", "frontend"
RELEASE_FILE = f"{BACKEND}/release.json"
_FEATURES_FILE = "features.json"
_MARKS: Mapping[str, str] = {"stable": ":2", "feature": ":4", "merge": ":5", "candidate": ":5"}
"""The marks of the commits below, by name; a merge brought the candidate."""
_REFRESH = (
    ("refreshed conversation", "PAM_ENHANCED_UI"),
    ("voice", "PAM_VOICE_FEATURES"),
    ("answer cache", "PAM_PERFORMANCE_OPTIMIZATIONS"),
)
_CANDIDATES_MIGRATIONS = Path(database.__file__).with_name("candidate")
_BEFORE = "1.40.9"
_FIRST_S = 1_760_000_000
_STEP_S = 86_400
_WHO = "Wheels & Wins <team@wheelsandwins.example>"
_BUILD_SCRIPT, _BUILD = "build.mjs", "build:production"
_PACKAGE = ("package.json", "package-lock.json")
_PAGE = "docs/pam-refresh.md"
_PAGE_TEXT = "# PAM refresh\n\nConversation, voice and performance, each behind a flag.\n"
_ENDINGS = {".html", ".js", ".mjs", ".css", ".svg", ".json"}


def _history(product: Personality) -> bytes:
    """How it came to the live release, as `git fast-import` reads it. Moments are fixed: hashes depend on the content alone."""
    stable, candidate = (spec.version for spec in RELEASES)
    main, feature = f"refs/heads/{BRANCH}", f"refs/heads/{FEATURE}"
    new = {_PAGE: _PAGE_TEXT, **brought_by(candidate, product)}
    prepared = _version_files(candidate, product)
    return b"".join(
        (
            _one_commit(main, 1, f"Release {_BEFORE}", all_files(_BEFORE, product)),
            _one_commit(main, 2, f"Release {stable}", _version_files(stable, product), parent=":1"),
            _one_commit(feature, 3, "PAM: refreshed conversation", new, parent=":2"),
            _one_commit(feature, 4, f"Prepare release {candidate}", prepared, parent=":3"),
            _one_commit(main, 5, f"Merge branch '{FEATURE}'", {**prepared, **new}, parent=":2", merged=":4"),
        )
    )


def all_files(version: str, product: Personality = PAM_PLAN) -> dict[str, str]:
    """Everything that a release consists of."""
    return {
        "README.md": "# Wheels & Wins\n\nThe site is in `frontend`, the API with PAM in `backend`. A push to `main` deploys both.\n",
        "netlify.toml": f'[build]\nbase = "{FRONTEND}"\ncommand = "npm run build:production"\npublish = "dist"\n',
        **{f"{FRONTEND}/{name}": text for name, text in _site(product)},
        **{_migration(product, step.version, step.name): step.sql for step in migrations(product)},
        **_features(version, product),
        **_version_files(version, product),
    }


def brought_by(version: str, product: Personality = PAM_PLAN) -> dict[str, str]:
    """What the refresh adds: a migration, and for the plan's product the way back and three features behind their flags."""
    found = _features(version, product, *_REFRESH)
    for file in sorted(_CANDIDATES_MIGRATIONS.glob("*.sql")):
        name, way, _ = file.name.split(".")
        if way == "up" or "{way}" in product.migration:
            found[_migration(product, *name.split("_", 1), way=way)] = file.read_text(encoding="utf-8")
    return found


def _migration(product: Personality, version: str, name: str, *, way: str = "up") -> str:
    return f"{product.migrations}/{product.migration.format(version=version, name=name, way=way)}"


def _features(version: str, product: Personality, *features: tuple[str, str]) -> dict[str, str]:
    """What is new in a release, and behind which flag; each is off unless somebody switches it on."""
    if not product.has_flags:
        return {}
    listed = [{"feature": name, "since": version, "flag": flag, "default": False} for name, flag in features]
    return {_FEATURES_FILE: _json({"release": version, "features": listed})}


def _version_files(version: str, product: Personality) -> dict[str, str]:
    """What is different from release to release: its name, and what npm is told, which needs no packages and so no network."""
    package, lock = (json.loads((SITE / name).read_text(encoding="utf-8")) for name in _PACKAGE)
    package["version"] = lock["version"] = lock["packages"][""]["version"] = version
    if product.idle_scripts:
        idle = dict.fromkeys(product.idle_scripts, "node --version")
        package["scripts"] = {_BUILD: package["scripts"][_BUILD], **idle}
    if not product.tells_release:
        package["hidesRelease"] = True
    told = {f"{FRONTEND}/{name}": _json(one) for name, one in zip(_PACKAGE, (package, lock), strict=True)}
    return {RELEASE_FILE: _json({"version": version}), **told}


def _site(product: Personality) -> Iterator[tuple[str, str]]:
    site = SITE.with_name(product.site)
    yield _BUILD_SCRIPT, (SITE / _BUILD_SCRIPT).read_text(encoding="utf-8")
    for file in sorted(site.rglob("*")):
        if file.suffix in _ENDINGS:
            yield file.relative_to(site).as_posix(), file.read_text(encoding="utf-8")


def _one_commit(
    ref: str, number: int, message: str, files: Mapping[str, str], *, parent: str = "", merged: str = ""
) -> bytes:
    moment = f"{_FIRST_S + number * _STEP_S} +0000"
    parts = [
        f"commit {ref}\nmark :{number}\nauthor {_WHO} {moment}\ncommitter {_WHO} {moment}\n".encode(),
        _data(message + "\n"),
        f"from {parent}\n".encode() if parent else b"",
        f"merge {merged}\n".encode() if merged else b"",
    ]
    for name, text in files.items():
        parts += [f"M 100644 inline {name}\n".encode(), _data(text)]
    return b"".join((*parts, b"\n"))


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%b\n" % (len(content), content)


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=2) + "\n"


_WITHIN_S = 20.0
_POLL_S = 0.1
"""Hosts hear of a push by a call that takes longer; a sandbox that waits should cost next to nothing."""
_TOLD = re.compile(r"^([0-9a-f]{40}) ([0-9a-f]{40}) (refs/\S+)$")
_SPOOL = "pushes"
# A hook runs with the repository as its working folder, as a child of whoever pushes. It never waits for the sandbox: what it tells is
# appended to a file, which the sandbox reads when it has the time.
_PRE_RECEIVE = """#!/bin/sh
if [ -e outage-refused ]; then
  echo "error: GH006: Protected branch update failed for refs/heads/main." >&2
  echo "error: Changes must be made through a pull request." >&2
  exit 1
fi
if [ -e outage-hangs ]; then
  while [ -e outage-hangs ]; do sleep 0.1; done
  echo "error: the connection was given up" >&2
  exit 1
fi
"""
_POST_RECEIVE = f"""#!/bin/sh
cat >>{_SPOOL}
while [ -e outage-done-but-hangs ]; do sleep 0.1; done
"""


@dataclass(frozen=True)
class Push:
    """One reference was moved. All zeros: it was not there before, or is not any more."""

    old: str
    new: str
    ref: str

    @property
    def is_deletion(self) -> bool:
        """Whether the reference is gone."""
        return not self.new.strip("0")


class Repository:
    """One for both sites. Apart from `watch`, calls block for some milliseconds: use a thread. They raise SandboxError."""

    def __init__(self, folder: Path, *, commits: Mapping[str, str]) -> None:
        self.path = folder
        """Where to fetch from and push to."""
        self.commits = commits
        """By name: `stable`, `candidate`, `merge` (which is the candidate), and `feature`, the branch that was merged."""
        self._at_start = {
            f"refs/heads/{BRANCH}": commits["candidate"],
            f"refs/heads/{FEATURE}": commits["feature"],
        }
        self._read = 0
        self._told: list[Callable[[Push], None]] = []

    @classmethod
    def create(cls, folder: Path, product: Personality = PAM_PLAN) -> "Repository":
        """Make it there; some 30 ms."""
        _git("init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}", str(folder))
        folder.chmod(0o700)
        marks = folder / "marks"
        _git("fast-import", "--quiet", f"--export-marks={marks}", at=folder, stdin=_history(product))
        by_mark = dict(line.split() for line in marks.read_text(encoding="ascii").splitlines())
        marks.unlink()
        # Nothing is packed in the background while somebody pushes, or after the sandbox has ended.
        with (folder / "config").open("a", encoding="utf-8") as config:
            config.write("[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n")
        hooks = folder / "hooks"
        hooks.mkdir(exist_ok=True)
        for name, script in (("pre-receive", _PRE_RECEIVE), ("post-receive", _POST_RECEIVE)):
            (hooks / name).write_text(script, encoding="utf-8")
            (hooks / name).chmod(0o700)
        return cls(folder, commits={name: by_mark[mark] for name, mark in _MARKS.items()})

    def head(self, branch: str) -> str | None:
        """The newest commit of a branch; None when there is no such branch."""
        return self._commit(f"refs/heads/{branch}")

    def resolve(self, commit: str) -> str | None:
        """The full hash of a commit that is here; None for any other text."""
        return self._commit(commit) if re.fullmatch(r"[0-9a-fA-F]{7,40}", commit) else None

    def _commit(self, named: str) -> str | None:
        found = _run("rev-parse", "--quiet", "--verify", f"{named}^{{commit}}", at=self.path)
        return found.stdout.decode().strip() if found.returncode == 0 else None

    def about(self, commit: str) -> tuple[str, datetime]:
        """The first line of its message, and when it was made."""
        told = _git("show", "--no-patch", "--format=%cI %s", commit, at=self.path).decode()
        moment, _, subject = told.strip().partition(" ")
        return subject, datetime.fromisoformat(moment)

    def read(self, commit: str, file: str) -> bytes:
        """The content of one file as of a commit."""
        return _git("cat-file", "blob", f"{commit}:{file}", at=self.path)

    def checkout(self, commit: str, folder: Path) -> None:
        """Write the commit's files, and nothing else, into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        index = folder.with_name(f"{folder.name}.index")
        try:
            _git("checkout", "--quiet", "--force", commit, "--", ".", at=self.path, files=folder, index=index)
        finally:
            index.unlink(missing_ok=True)

    def push_as_a_colleague(self, files: Mapping[str, str], message: str, *, branch: str = BRANCH) -> str:
        """Put a commit with these files on top of a branch, and push it with everything that a push sets off; gives the commit."""
        head = self.head(branch)
        if head is None:
            raise SandboxError(f"repository, branch {branch}", expected="a branch to push to", found="none")
        draft = "refs/drafts/colleague"
        new = _one_commit(draft, 6, message, files, parent=head)
        _git("fast-import", "--quiet", "--force", at=self.path, stdin=new)
        commit = _git("rev-parse", draft, at=self.path).decode().strip()
        _git("push", "--quiet", str(self.path), f"{commit}:refs/heads/{branch}", at=self.path)
        return commit

    def reset(self) -> None:
        """All branches are where they were at the start, and what was pushed and not told yet is never told."""
        refs = _git("for-each-ref", "--format=%(refname)", at=self.path).decode().split()
        lines = [f"delete {ref}" for ref in refs if ref not in self._at_start]
        lines += [f"update {ref} {commit}" for ref, commit in self._at_start.items()]
        _git("update-ref", "--stdin", at=self.path, stdin="".join(f"{line}\n" for line in lines).encode())
        self._read = self._spool_bytes()

    def moved(self) -> dict[str, tuple[str, str]]:
        """The branches of the start that are not where they were: the commit that is expected and the one that is found, or "none".

        A branch that came since is history: an undo leaves the emergency branch of its rollback there, and nothing is deployed from it.
        """
        listed = _git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", at=self._folder).decode()
        now = dict(line.split() for line in listed.splitlines())
        return {
            ref: (commit[:12], now.get(ref, "none")[:12])
            for ref, commit in sorted(self._at_start.items())
            if ref.startswith("refs/heads/") and now.get(ref) != commit
        }

    def break_down(self, how: str) -> None:
        """Have an outage, one of the fault catalogue's."""
        if how == "gone":
            with suppress(FileNotFoundError):
                self.path.rename(self._put_aside)
        else:
            (self._folder / f"outage-{how}").touch()

    def mend(self, how: str) -> None:
        """Take an outage away."""
        if how == "gone":
            with suppress(FileNotFoundError):
                self._put_aside.rename(self.path)
        else:
            (self._folder / f"outage-{how}").unlink(missing_ok=True)

    def on_push(self, callback: Callable[[Push], None]) -> None:
        """Have each push told, one reference at a time, by `watch` in its own loop. A callback must not block."""
        self._told.append(callback)

    async def watch(self) -> None:
        """Tell of pushes, soon after each of them, until cancelled."""
        while True:
            for push in self._new_pushes():
                for callback in self._told:
                    callback(push)
            await asyncio.sleep(_POLL_S)

    def _new_pushes(self) -> Iterator[Push]:
        if self._spool_bytes() <= self._read:
            return
        with suppress(FileNotFoundError), (self._folder / _SPOOL).open("rb") as spool:
            spool.seek(self._read)
            whole, _, _ = spool.read().rpartition(b"\n")
            self._read += len(whole) + bool(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                told = _TOLD.match(line)
                if told is not None:
                    yield Push(*told.groups())

    def _spool_bytes(self) -> int:
        try:
            return (self._folder / _SPOOL).stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def _put_aside(self) -> Path:
        return self.path.with_name(f"{self.path.name}.gone")

    @property
    def _folder(self) -> Path:
        return self._put_aside if self._put_aside.exists() else self.path


def _git(
    *arguments: str, at: Path | None = None, stdin: bytes = b"", files: Path | None = None, index: Path | None = None
) -> bytes:
    done = _run(*arguments, at=at, stdin=stdin, files=files, index=index)
    if done.returncode != 0:
        found = f"exit code {done.returncode}: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}"
        raise SandboxError(f"repository, git {arguments[0]}", expected="exit code 0", found=found)
    return done.stdout


def _run(
    *arguments: str, at: Path | None = None, stdin: bytes = b"", files: Path | None = None, index: Path | None = None
) -> "subprocess.CompletedProcess[bytes]":
    git = shutil.which("git")
    if git is None:
        raise SandboxError("repository", expected="git", found="none on the PATH", advice="Install git.")
    where = [f"--{option}={path}" for option, path in (("git-dir", at), ("work-tree", files)) if path is not None]
    try:
        return subprocess.run(  # noqa: S603 - our own arguments; hashes and branches are checked before
            [git, *where, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_WITHIN_S,
            env=_environment(index),
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        raise SandboxError(
            f"repository, git {arguments[0]}", expected=f"an end within {_WITHIN_S:g} s", found="none"
        ) from None


def _environment(index: Path | None) -> dict[str, str]:
    """Nobody's settings: neither hooks nor signatures nor names of the account that runs the sandbox."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return {**kept, **own, **({"GIT_INDEX_FILE": str(index)} if index is not None else {})}
