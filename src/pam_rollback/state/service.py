"""Brings what other machines recorded into this one's folders, and adds what this one recorded to the state. Raises, never judges."""

import json
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.run_files import JOURNAL, KEPT_ELSEWHERE, RAMP_JOURNAL, WATCH_RECORD
from pam_rollback.rollback.client.git import open_repository
from pam_rollback.rollback.client.git_command import GitCommand
from pam_rollback.state.client import Seen, StateRef
from pam_rollback.state.rules import kept
from pam_rollback.state.rules.kept import RECORD, Files
from pam_rollback.state.rules.merging import lacking, merged, of_both, thinned

_RUNS, _RAMP, _WATCH = "runs", "ramp", "watch"
_LASTING = {_RAMP: (RAMP_JOURNAL,), _WATCH: (WATCH_RECORD,)}
"""What outlives sessions, by kind, in a folder of each environment."""
_CALL_S = 60.0
_PAUSE_S, _PAUSE_MAX_S = 0.1, 2.0
_SETTINGS = (
    ("the variable of [secrets] git_token_env", "PAM_STATE_TOKEN"),
    ("[secrets] git_token_env", "PAM_STATE_TOKEN"),
    ("[git] remote", "--state"),
)
_REMOTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PASSWORD = re.compile(r"[a-z+]+://[^/@]*:[^/]*@", re.IGNORECASE)


@dataclass(frozen=True)
class Store:
    """Where the state is, and what of this machine belongs to it. ``content`` takes secrets out of a file's bytes by its name."""

    command: GitCommand
    out: Path
    """The folders of this machine's runs."""
    ramps: Path
    """The folders of its environments, each with the journal of its ramp."""
    keep: timedelta = kept.KEEP
    content: Callable[[str, bytes], bytes] = lambda _name, content: content
    tidies: bool = True
    """Whether this session drops what is old: then all that is left is sent anew, which a rollback does not wait for."""
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def bring(self, within_s: float) -> int:
        """Have here what other machines recorded; gives how many runs are new here. Raises ActionFailed or OSError."""
        with self._opened(within_s) as ref:
            seen = ref.read()
            lacked = [
                name
                for name, found in seen.records.items()
                if name.startswith(f"{_RUNS}/") and self._differs(name, found)
            ]
            new = 0
            for name, files in ref.contents(seen, lacked):
                new += self._bring_run(name.partition("/")[2], files, seen.records[name])
            lasting = [name for name in seen.records if name.partition("/")[0] in {_RAMP, _WATCH}]
            for name, files in ref.contents(seen, lasting):
                self._bring_lasting(name.partition("/")[2], files)
            return new

    def add(self, runs: Mapping[str, Path], within_s: float, *, ramp: str = "") -> tuple[str, ...]:
        """Keep these runs, ids and folders, and those that an earlier session could not; also ramp and watch of that environment.

        Gives the ids of those that were kept. Raises ActionFailed or OSError when nothing was.
        """
        until_s = time.monotonic() + within_s
        wanted = {**self._waiting(), **runs}
        ours = {f"{_RUNS}/{run}": files for run, folder in wanted.items() if kept.is_told(files := self._files(folder))}
        for kind, names in _LASTING.items():
            if ramp and (files := {name: text for name in names if (text := self._lasting_text(ramp, name))}):
                ours[f"{kind}/{ramp}"] = thinned(files)
        if not ours:
            return ()
        with self._opened(within_s) as ref:
            tried = 0
            while not (done := self._added(ref, ours)):
                tried += 1
                pause_s = random.uniform(0.5, 1) * min(_PAUSE_MAX_S, _PAUSE_S * 2**tried)  # noqa: S311 - spreads writers, keeps no secret
                if time.monotonic() + pause_s > until_s:
                    raise self.command.failed(
                        "write the state", f"others wrote at the same time, {tried} times", sent=False
                    )
                time.sleep(pause_s)
        for run, folder in wanted.items():
            if f"{_RUNS}/{run}" in done:
                with suppress(OSError):
                    (folder / KEPT_ELSEWHERE).write_text(done[f"{_RUNS}/{run}"], encoding="utf-8")
        return tuple(run for run in wanted if f"{_RUNS}/{run}" in done)

    def _added(self, ref: StateRef, ours: Mapping[str, Files]) -> dict[str, str]:
        """One try: the hashes of what is kept now; nothing when somebody else was faster."""
        seen = ref.read()
        theirs = dict(ref.contents(seen, ours))
        changed = {
            name: both
            for name, files in ours.items()
            if (both := merged(theirs.get(name, {}), files)) != theirs.get(name)
        }
        dropped = self._dropped(ref, seen) - changed.keys()
        now = ref.write(seen, changed, dropped) if changed or dropped else seen.records
        return {} if now is None else {name: now[name] for name in ours}

    def _dropped(self, ref: StateRef, seen: Seen) -> set[str]:
        runs = [name.partition("/")[2] for name in seen.records if name.startswith(f"{_RUNS}/")]
        old = kept.old(runs, now=self.now(), keep=self.keep) if self.tidies else []
        if not old:
            return set()
        paths = [path.partition("/")[2] for path in seen.files if path.startswith(f"{_RUNS}/")]
        needed = kept.newest_baselines(paths)
        for _, files in ref.contents(seen, [name for name in seen.records if name.startswith(f"{_RAMP}/")]):
            needed.update(kept.referred_to(files.get(RAMP_JOURNAL, "")))
        candidates = {
            name.partition("/")[2]: files for name, files in ref.contents(seen, [f"{_RUNS}/{run}" for run in old])
        }
        return {f"{_RUNS}/{run}" for run in kept.dropped(candidates, needed=needed)}

    def _differs(self, record: str, found: str) -> bool:
        run = record.partition("/")[2]
        if kept.name_of(run) is None:
            return False
        folder = self.out / run
        if not folder.exists():
            return True
        # A run of this machine that nobody wanted to share is left alone.
        with suppress(OSError):
            return (folder / KEPT_ELSEWHERE).read_text(encoding="utf-8") != found
        return False

    def _bring_run(self, run: str, files: Files, found: str) -> bool:
        """Whether it is new here. What is here already gets the lines that another machine added, such as those of an undo."""
        files = {path: text for path, text in files.items() if kept.is_kept(path)}
        folder = self.out / run
        if not folder.exists():
            draft = self.out / f".brought-{run}-{random.randrange(2**32):08x}"  # noqa: S311 - a name
            try:
                for path, text in files.items():
                    (draft / path).parent.mkdir(parents=True, exist_ok=True)
                    (draft / path).write_text(text, encoding="utf-8")
                (draft / KEPT_ELSEWHERE).write_text(found, encoding="utf-8")
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            return True
        ours = self._files(folder)
        if more := lacking(ours.get(JOURNAL, ""), files.get(JOURNAL, "")):
            with (folder / JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write(more)
        if RECORD in files and merged(files, ours)[RECORD] != ours.get(RECORD):
            _write(folder / RECORD, files[RECORD])
        for path in files.keys() - ours.keys() - {JOURNAL, RECORD}:
            (folder / path).parent.mkdir(exist_ok=True)
            _write(folder / path, files[path])
        _write(folder / KEPT_ELSEWHERE, found if merged(files, self._files(folder)) == files else "")
        return False

    def _bring_lasting(self, environment: str, files: Files) -> None:
        """Ramp or watch of an environment: lines of both are kept, and whose turn it is says the later one."""
        if not kept.is_environment(environment):
            return
        folder = self.ramps / environment
        for name in (name for names in _LASTING.values() for name in names if files.get(name)):
            path = folder / name
            read_bytes = path.stat().st_size if path.is_file() else 0
            ours = self._lasting_text(environment, name)
            both = of_both(name, files[name], ours) if ours else files[name]
            if both == ours:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            if both.startswith(ours):
                with path.open("a", encoding="utf-8") as journal:
                    journal.write(both[len(ours) :])
            elif path.suffix == ".jsonl":
                _replaced(path, both, read_bytes)
            else:
                _write(path, both)

    def _waiting(self) -> dict[str, Path]:
        """The runs of this machine that are to be kept and are not yet."""
        found: dict[str, Path] = {}
        for mark in self.out.glob(f"*/{KEPT_ELSEWHERE}"):
            with suppress(OSError):
                if mark.stat().st_size == 0 and kept.name_of(mark.parent.name) is not None:
                    found[mark.parent.name] = mark.parent
        return found

    def _files(self, folder: Path) -> Files:
        found = {}
        for path in sorted([*folder.glob("*.json*"), *folder.glob("*/*.json")]):
            name = str(path.relative_to(folder))
            if kept.is_kept(name) and not path.is_symlink() and (text := self._text(path, name)):
                found[name] = text
        listed = _parts(found.get(kept.BASELINE, ""))
        return {
            name: text
            for name, text in found.items()
            if not name.startswith("baseline/") or name == kept.BASELINE or name.partition("/")[2] in listed
        }

    def _lasting_text(self, environment: str, name: str) -> str:
        return self._text(self.ramps / environment / name, name)

    def _text(self, path: Path, name: str) -> str:
        """What is kept of a file; nothing where there is none, or far too much."""
        try:
            if path.stat().st_size > kept.LARGEST_BYTES:
                return ""
            text = self.content(path.name, path.read_bytes()).decode()
        except (OSError, UnicodeDecodeError):
            return ""
        if name == RECORD:
            with suppress(ValueError):
                # Without its indentation it takes half of the room.
                text = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
        return kept.without_people(name, text)

    @contextmanager
    def _opened(self, within_s: float) -> Iterator[StateRef]:
        until_s = time.monotonic() + within_s
        self.ramps.mkdir(parents=True, exist_ok=True)
        with open_repository(self.command, cache=self.ramps / ".mirror") as repository:
            yield StateRef(self.command, repository.mirror, until_s)


def _replaced(path: Path, both: str, read_bytes: int) -> None:
    """Put ``both`` in its place, with what a watch or a ramp has written there since its first ``read_bytes`` were read."""
    with path.open("rb") as before:
        _write(path, both)
        before.seek(read_bytes)
        late = [line for line in before.read().decode(errors="replace").splitlines(keepends=True) if line not in both]
    with path.open("a", encoding="utf-8") as journal:
        journal.writelines(late)


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


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
