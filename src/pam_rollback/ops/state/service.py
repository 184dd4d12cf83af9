"""What is recorded here, kept beyond this machine: one git ref a run, and one an environment, for its ramp and its watch.

Nothing deploys or builds ``refs/pam``, and a clone does not fetch it. Each ref is one commit with the record's files. Git moves it only
where it still is where it was seen (``--force-with-lease``), so a writer who was killed has written all or nothing. Of a journal that two
machines wrote on both have all lines: an undo elsewhere has to be known here. Raises, never judges.
"""

import io
import json
import random
import re
import shutil
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.core.addresses import is_loopback
from pam_rollback.core.errors import ActionFailed, ProviderError
from pam_rollback.core.run_files import (
    JOURNAL,
    KEPT_ELSEWHERE,
    RAMP_JOURNAL,
    WATCH_RECORD,
)
from pam_rollback.http.files import write_whole
from pam_rollback.http.programs import Ended
from pam_rollback.ops.state.retention import Fate, KeptRun, fates
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.git_command import GitCommand

Files = Mapping[str, str]
"""The texts of one record's files, by their paths in it."""
RUNS, ENVIRONMENTS = "refs/pam/runs/", "refs/pam/environments/"
RECORD, BASELINE = "run.json", "baseline/baseline.json"
LARGEST_BYTES = 20_000_000
"""Of one file. A record of all ten drills with every check has some hundred thousand."""
_LASTING = (RAMP_JOURNAL, WATCH_RECORD)
"""What outlives sessions, in a folder of each environment."""
_DRAFT = "refs/pam-draft"
_CALL_S, _PAUSE_S = 60.0, 0.3
_SETTINGS = (
    ("the variable of [secrets] git_token_env", "PAM_STATE_TOKEN"),
    ("[secrets] git_token_env", "PAM_STATE_TOKEN"),
    ("[git] remote", "--state"),
)
_TRY_AGAIN = re.compile(r"stale info|failed to update ref|cannot lock ref|incorrect old value")
_RUN = re.compile(r"(?P<begun>\d{8}T\d{6}Z)-(?P<environment>[a-z0-9][a-z0-9-]*)-[0-9a-f]{4}", re.ASCII)
_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_FILE = re.compile(r"run\.json|journal\.jsonl|baseline/[a-z0-9][a-z0-9-]*\.json", re.ASCII)
_ADDRESS = re.compile(r"(?!git@)\b[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_OWED, _SETTLED = "undo-owed", "undo-done"
_REMOTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PASSWORD = re.compile(r"[a-z+]+://[^/@]*:[^/@]*@", re.IGNORECASE)


@dataclass(frozen=True)
class Store:
    """Where the state is, and what of this machine belongs to it. ``content`` takes secrets out of a file's bytes by its name."""

    command: GitCommand
    out: Path
    """The folders of this machine's runs."""
    lasting: Path
    """The folders of its environments, each with the journals of ramp and watch."""
    content: Callable[[str, bytes], bytes] = lambda _name, content: content

    def bring(self, within_s: float) -> int:
        """Have here what other machines recorded; gives how many runs are new here. Raises ActionFailed or OSError."""
        with self._opened(within_s) as refs:
            new = 0
            for ref, commit in refs.read().items():
                name = ref.removeprefix(RUNS)
                if ref.startswith(ENVIRONMENTS):
                    self._bring_lasting(ref.removeprefix(ENVIRONMENTS), refs.files(commit))
                elif _RUN.fullmatch(name) and self._differs(name, commit):
                    new += self._bring_run(name, refs.files(commit), commit)
            return new

    def add(self, runs: Mapping[str, Path], within_s: float, *, environment: str = "") -> tuple[str, ...]:
        """Keep these runs, ids and folders, and those that an earlier session could not; also ramp and watch of that environment.

        Gives the ids of those that are kept. Raises ActionFailed or OSError when one could not be.
        """
        wanted = {**self._waiting(), **runs}
        ours = {f"{RUNS}{run}": files for run, folder in wanted.items() if is_told(files := self._files(folder))}
        own = {name: text for name in _LASTING if environment and (text := self._lasting_text(environment, name))}
        if own:
            ours[f"{ENVIRONMENTS}{environment}"] = own
        if not ours:
            return ()
        with self._opened(within_s) as refs:
            while (kept := refs.write(ours)) is None:  # another machine wrote at the same time
                time.sleep(_PAUSE_S * random.uniform(0.5, 1))  # noqa: S311 - spreads writers, keeps no secret
        done = {run: folder for run, folder in wanted.items() if f"{RUNS}{run}" in ours}
        for run, folder in done.items():
            with suppress(OSError):
                (folder / KEPT_ELSEWHERE).write_text(kept[f"{RUNS}{run}"], encoding="utf-8")
        return tuple(done)

    def forget(self, older_than: timedelta, within_s: float, *, really: bool) -> tuple[Fate, ...]:
        """Remove the old runs that nobody needs; give what becomes of each. Raises ActionFailed, OSError or ValueError."""
        with self._opened(within_s) as refs:
            there = {ref: refs.files(commit) for ref, commit in refs.read().items()}
            ramps = {ref: files[RAMP_JOURNAL] for ref, files in there.items() if RAMP_JOURNAL in files}
            runs = [_kept(ref.removeprefix(RUNS), files) for ref, files in there.items() if ref.startswith(RUNS)]
            found = fates(filter(None, runs), older_than=older_than, ramps=ramps)
            gone = [f"{RUNS}{fate.run.name}" for fate in found if not fate.kept_because]
            if really and gone:
                refs.remove(gone)
            return found

    def _differs(self, run: str, commit: str) -> bool:
        if not (self.out / run).exists():
            return True
        # A run of this machine that nobody wanted to share is left alone.
        with suppress(OSError):
            return (self.out / run / KEPT_ELSEWHERE).read_text(encoding="utf-8") != commit
        return False

    def _bring_run(self, run: str, found: Files, commit: str) -> bool:
        """Whether it is new here. What is here already gets the lines that another machine added, such as those of an undo."""
        files, folder = {path: text for path, text in found.items() if _FILE.fullmatch(path)}, self.out / run
        if not folder.exists():
            draft = self.out / f".brought-{run}-{random.randrange(2**32):08x}"  # noqa: S311 - a name
            try:
                for path, text in files.items():
                    (draft / path).parent.mkdir(parents=True, exist_ok=True)
                    (draft / path).write_text(text, encoding="utf-8")
                (draft / KEPT_ELSEWHERE).write_text(commit, encoding="utf-8")
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            return True
        ours = self._files(folder)
        has = set(ours.get(JOURNAL, "").split("\n"))
        if more := [line for line in files.get(JOURNAL, "").split("\n") if line not in has]:
            with (folder / JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write("" if ours.get(JOURNAL, "\n").endswith("\n") else "\n")
                journal.writelines(f"{line}\n" for line in more)
        both = together(files, ours)
        for path in both.keys() - {JOURNAL}:
            if both[path] != ours.get(path):
                (folder / path).parent.mkdir(exist_ok=True)
                write_whole(folder / path, both[path])
        write_whole(folder / KEPT_ELSEWHERE, commit if both == files else "")
        return False

    def _bring_lasting(self, environment: str, files: Files) -> None:
        """Ramp and watch of an environment."""
        if not _ENVIRONMENT.fullmatch(environment):
            return
        folder = self.lasting / environment
        for name in (name for name in _LASTING if files.get(name)):
            path = folder / name
            read_bytes = path.stat().st_size if path.is_file() else 0
            ours = self._lasting_text(environment, name)
            both = of_both(files[name], ours)
            if both == ours:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            if both.startswith(ours):
                with path.open("a", encoding="utf-8") as journal:
                    journal.write(both[len(ours) :])
            else:
                _replaced(path, both, read_bytes)

    def _waiting(self) -> dict[str, Path]:
        """The runs of this machine that are to be kept and are not yet."""
        found: dict[str, Path] = {}
        for mark in self.out.glob(f"*/{KEPT_ELSEWHERE}"):
            with suppress(OSError):
                if mark.stat().st_size == 0 and _RUN.fullmatch(mark.parent.name):
                    found[mark.parent.name] = mark.parent
        return found

    def _files(self, folder: Path) -> Files:
        found = {}
        for path in sorted([*folder.glob("*.json*"), *folder.glob("baseline/*.json")]):
            name = str(path.relative_to(folder))
            if _FILE.fullmatch(name) and not path.is_symlink() and (text := self._text(path, name)):
                found[name] = text
        listed = _parts(found.get(BASELINE, ""))
        return {
            name: text
            for name, text in found.items()
            if not name.startswith("baseline/") or name == BASELINE or name.partition("/")[2] in listed
        }

    def _lasting_text(self, environment: str, name: str) -> str:
        return self._text(self.lasting / environment / name, name)

    def _text(self, path: Path, name: str) -> str:
        """What is kept of a file; nothing where there is none, or far too much."""
        try:
            if path.stat().st_size > LARGEST_BYTES:
                return ""
            # A kill may have cut a journal within a letter: what it says before that is kept all the same.
            errors = "replace" if path.suffix == ".jsonl" else "strict"
            text = self.content(path.name, path.read_bytes()).decode(errors=errors)
        except (OSError, UnicodeDecodeError):
            return ""
        if name == RECORD:
            with suppress(ValueError):
                # Without its indentation it takes half of the room.
                text = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
        return without_people(name, text)

    @contextmanager
    def _opened(self, within_s: float) -> Iterator["_Refs"]:
        self.lasting.mkdir(parents=True, exist_ok=True)
        with open_repository(self.command, cache=self.lasting / ".mirror") as repository:
            yield _Refs(self.command, repository.mirror, time.monotonic() + within_s)


@dataclass
class _Refs:
    """The refs at a remote, with a mirror on this machine. No call of it ends after ``until_s``, a moment of the monotonic clock."""

    command: GitCommand
    mirror: Path
    until_s: float
    seen: dict[str, str] = field(default_factory=dict)
    """The commit of each ref when it was read."""

    def read(self) -> Mapping[str, str]:
        """Ask for them now. Raises ProviderError."""
        options = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head")
        ended = self._remote(
            "fetch", *options, "--", self.command.remote, *(f"+{refs}*:{refs}*" for refs in (RUNS, ENVIRONMENTS))
        )
        if not ended.succeeded:
            raise self.command.trouble("read the state", ended)
        listed = self._done("for-each-ref", "--format=%(refname) %(objectname)", RUNS, ENVIRONMENTS)
        self.seen = dict(line.rpartition(" ")[::2] for line in listed.splitlines())
        # A page of one line over HTTP reads as a repository without a single ref.
        if not self.seen and not self.command.speaks_git(self.mirror, deadline_s=self._left_s()):
            raise self.command.failed(
                "read the state", "it answers, and not as a repository does; does something else answer in its place?"
            )
        return self.seen

    def files(self, commit: str) -> Files:
        """What one has; of what is no text, what can be read."""
        ended = self.command.run("archive", "--format=tar", commit, folder=self.mirror, errors="surrogateescape")
        if not ended.succeeded:
            raise self.command.trouble("read the state", ended)
        with tarfile.open(fileobj=io.BytesIO(ended.out.encode(errors="surrogateescape"))) as archive:
            return {
                member.name: content.read().decode(errors="replace")
                for member in archive.getmembers()
                if member.isfile() and (content := archive.extractfile(member))
            }

    def write(self, ours: Mapping[str, Files]) -> Mapping[str, str] | None:
        """Write these records, each with what is there; give the commit of each, or None when another machine was faster."""
        seen, kept = self.read(), dict[str, str]()
        for ref, files in ours.items():
            theirs = self.files(seen[ref]) if ref in seen else {}
            both = together(theirs, files)
            kept[ref] = seen[ref] if both == theirs else self._commit(both)
        moved = {ref: commit for ref, commit in kept.items() if commit != seen.get(ref)}
        if not moved:
            return kept
        ended = self._push([f"{commit}:{ref}" for ref, commit in moved.items()], moved)
        if ended.succeeded:
            return kept
        if _TRY_AGAIN.search(f"{ended.out}\n{ended.err}"):
            self._left_s()
            return None
        # The answer may be lost after the refs were moved: what is there now decides.
        now = self._remote("ls-remote", "--", self.command.remote, *moved)
        if now.succeeded and all(f"{commit}\t{ref}" in now.out.splitlines() for ref, commit in moved.items()):
            return kept
        raise self.command.trouble("write the state", ended)

    def remove(self, refs: Iterable[str]) -> None:
        """Take these away. Raises ProviderError."""
        wanted = [*refs]
        ended = self._push([f":{ref}" for ref in wanted], wanted)
        if not ended.succeeded:
            raise self.command.trouble("write the state", ended)

    def _push(self, what: Iterable[str], refs: Iterable[str]) -> Ended:
        leases = [f"--force-with-lease={ref}:{self.seen.get(ref, '')}" for ref in refs]
        return self._remote("push", "--porcelain", "--no-verify", *leases, "--", self.command.remote, *what)

    def _commit(self, files: Files) -> str:
        """One without a parent: what it said before is gone with the ref."""
        written = "".join(
            f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n" for path, text in sorted(files.items())
        )
        head = f"commit {_DRAFT}\ncommitter pam-rollback <suite@pam.invalid> {int(time.time())} +0000\ndata 5\nstate\n"
        self._done("fast-import", "--quiet", "--force", given=f"{head}{written}")
        return self._done("rev-parse", "--verify", _DRAFT)

    def _remote(self, *arguments: str) -> Ended:
        return self.command.run(*arguments, folder=self.mirror, deadline_s=self._left_s())

    def _left_s(self) -> float:
        left_s = self.until_s - time.monotonic()
        if left_s <= 0:
            raise ProviderError(
                f"git: the state at {self.command.where} was not done with in time",
                provider="git",
                operation="state",
                sent=False,
            )
        return min(left_s, self.command.deadline_s)

    def _done(self, *arguments: str, given: str = "") -> str:
        return self.command.done(*arguments, folder=self.mirror, operation="keep the state", given=given)


def together(theirs: Files, ours: Files) -> dict[str, str]:
    """All files of both: all lines of both journals, of a record the later one (a run is resumed elsewhere), of anything else ours."""
    both = {**theirs, **ours}
    for path in theirs.keys() & ours.keys():
        if path.endswith(".jsonl"):
            both[path] = of_both(theirs[path], ours[path])
        elif path == RECORD and _finished(theirs[path]) > _finished(ours[path]):
            both[path] = theirs[path]
    return both


def _finished(record: str) -> str:
    try:
        return str(datetime.fromisoformat(json.loads(record)["finished"]["iso"]).astimezone(UTC))
    except (ValueError, KeyError, TypeError):
        return ""


def of_both(theirs: str, ours: str) -> str:
    """An account that goes on from the other one as it is; else every line of both once, by time."""
    if theirs.startswith(ours):
        return theirs
    if ours.startswith(theirs):
        return ours
    stamped, at = list[tuple[str, str]](), ""
    for line in dict.fromkeys(line for text in (theirs, ours) for line in text.split("\n") if line):
        with suppress(ValueError, KeyError, TypeError):  # one that says no moment stays behind the one before it
            at = str(datetime.fromisoformat(json.loads(line)["at"]).astimezone(UTC))
        stamped.append((at, line))
    return "".join(f"{line}\n" for _, line in sorted(stamped, key=lambda pair: pair[0]))


def is_told(files: Files) -> bool:
    """Whether there is a run to keep at all: a plan that sent nothing is none."""
    if JOURNAL in files:
        return True
    try:
        return bool(json.loads(files[RECORD])["verdict"] != "PLANNED")
    except (KeyError, ValueError, TypeError):
        return False


def _kept(run: str, files: Files) -> KeptRun | None:
    """What is known of a run there, whose age is since it began; None where its id does not say when."""
    found = _RUN.fullmatch(run)
    try:
        begun = datetime.strptime(found["begun"] if found else "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    owes, problem = _owed(files.get(JOURNAL, ""))
    return KeptRun(
        name=run,
        age=datetime.now(UTC) - begun,
        size_bytes=sum(map(len, files.values())),
        environment=found["environment"] if found else "",
        owes=owes,
        journal_problem=problem,
        baseline=BASELINE in files,
    )


def without_people(path: str, text: str) -> str:
    """The text without mail addresses. What an undo needs stays as it is: it is about things, and would not work without."""
    if path != JOURNAL:
        return _ADDRESS.sub("[mail address]", text)
    lines = text.split("\n")
    return "\n".join(line if f'"event": "{_OWED}"' in line else _ADDRESS.sub("[mail address]", line) for line in lines)


def _owed(journal: str) -> tuple[tuple[str, ...], str]:
    """The kinds of changes that somebody could put back from another machine, and why that is not known."""
    try:
        entries = [json.loads(line) for line in journal.split("\n") if line]
        done = {(entry.get("situation", ""), entry["number"]) for entry in entries if entry["event"] == _SETTLED}
        owed = [entry for entry in entries if entry["event"] == _OWED and not is_loopback(str(entry.get("api", "")))]
        open_ = [one for one in owed if not done & {(one.get("situation", ""), one["number"]), ("", one["number"])}]
        return tuple(str(one["kind"]) for one in open_), ""
    except (ValueError, KeyError, TypeError) as error:
        return (), repr(error)


def place_of(text: str, root: Path, token: Callable[[str], str]) -> GitCommand:
    """Who speaks with the place that somebody wrote: ``git:origin``, ``git:ADDRESS`` or a folder, which is made when it is not there.

    ``token`` gives that of an address. Raises ActionFailed with what is expected.
    """
    kind, _, rest = text.partition(":")
    if text != text.encode(errors="replace").decode():
        raise ActionFailed(f"--state {text.encode(errors='backslashreplace').decode()}: expected a place in UTF-8")
    if kind == "git" and rest:
        remote = _of_clone(rest, root) if _REMOTE_NAME.fullmatch(rest) else rest
        if _PASSWORD.match(remote):
            raise ActionFailed("--state: the address has a password in it; export it as PAM_STATE_TOKEN instead")
        return GitCommand(remote, token(remote), _CALL_S, _SETTINGS)
    folder = Path(text).expanduser().absolute()
    command = GitCommand(str(folder), deadline_s=_CALL_S, settings=_SETTINGS)
    if not (folder / "HEAD").is_file():
        try:
            if folder.exists() and any(folder.iterdir()):
                raise ActionFailed(f"--state {text}: expected a new or empty folder, or one of an earlier --state")
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ActionFailed(f"--state {text}: {error.strerror or error}") from None
        command.done(
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--initial-branch=none",
            folder=folder,
            operation="make the state",
        )
    return command


def _of_clone(name: str, root: Path) -> str:
    """The address of a remote of the clone that this project is in."""
    told = GitCommand(name).run("config", "--get", f"remote.{name}.url", folder=root, deadline_s=5)
    if not told.out.strip():
        raise ActionFailed(f"--state git:{name}: {root} is no clone with a remote {name}; write git:ADDRESS")
    return told.out.strip()


def _parts(index: str) -> set[str]:
    try:
        return {str(name) for name in json.loads(index)["parts"]}
    except (ValueError, KeyError, TypeError):
        return set()


def _replaced(path: Path, both: str, read_bytes: int) -> None:
    """Put ``both`` in its place, with what a watch or a ramp has written there since its first ``read_bytes`` were read."""
    with path.open("rb") as before:
        write_whole(path, both)
        before.seek(read_bytes)
        late = [line for line in before.read().decode(errors="replace").splitlines(keepends=True) if line not in both]
    with path.open("a", encoding="utf-8") as journal:
        journal.writelines(late)
