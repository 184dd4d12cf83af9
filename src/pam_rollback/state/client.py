"""The state as one ref of a repository, ``refs/pam/state``: nothing deploys or builds it, and a clone does not fetch it.

::

    format                        the number of this layout
    runs/RUN/run.json …           one folder a run
    ramp/ENVIRONMENT/ramp.jsonl   one folder an environment

Git moves the ref only if it still is where it was seen (``--force-with-lease``), and decides a race for us: a writer who was killed has
written all or nothing. Each state has the one before it as its parent, so that a push sends only what is new; one from which something
was dropped has none, so that what was dropped is gone from the ref's history, too.
"""

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pam_rollback.base.errors import ProviderError
from pam_rollback.outside.programs import Ended
from pam_rollback.rollback.client.git_command import GitCommand
from pam_rollback.state.rules.kept import Files

REF = "refs/pam/state"
FORMAT = 1
_FORMAT_FILE = "format"
_NONE_THERE = "couldn't find remote ref"
_LOST = "(stale info)"
_LOCKED = re.compile(r"failed to update ref|cannot lock ref|incorrect old value")
_LOCKED_TRIES, _LOCKED_S = 4, 0.2
_BYTES = "surrogateescape"
_AT_ONCE = 200
"""Files that are read with one call: their texts are in memory meanwhile."""


@dataclass(frozen=True)
class Seen:
    """The state as it was when it was read."""

    commit: str = ""
    records: Mapping[str, str] = field(default_factory=dict)
    """Of each record (``runs/RUN``) the hash of its folder: the same hash is the same content."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Of each file (``runs/RUN/run.json``) the hash."""


@dataclass(frozen=True)
class StateRef:
    """The ref at a remote, with a mirror on this machine. No call of it ends after ``until_s``, a moment of the monotonic clock."""

    command: GitCommand
    mirror: Path
    until_s: float

    def read(self) -> Seen:
        """Ask for it now. Raises ProviderError."""
        ended = self._remote(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", self.command.remote, f"+{REF}:{REF}"
        )
        if not ended.succeeded:
            if _NONE_THERE in ended.err:
                self._refuse_another()
                return Seen()
            raise self.command.trouble("read the state", ended)
        commit = self._done("rev-parse", "--verify", f"{REF}^{{commit}}")
        lines = self._done("ls-tree", "-z", "-r", "-t", "--full-tree", commit).split("\0")
        listed = [line.split(None, 3) for line in lines if line]
        self._refuse_newer(next((found[2] for found in listed if found[3] == _FORMAT_FILE), ""))
        return Seen(
            commit,
            {path: found for _, kind, found, path in listed if kind == "tree" and path.count("/") == 1},
            {path: found for _, kind, found, path in listed if kind == "blob" and path.count("/") > 1},
        )

    def contents(self, seen: Seen, records: Iterable[str]) -> Iterator[tuple[str, Files]]:
        """The files of each of these records, read some at a time."""
        wanted = set(records)
        by_record: dict[str, dict[str, str]] = {}
        for path, found in seen.files.items():
            head, name, rest = path.split("/", 2)
            if f"{head}/{name}" in wanted:
                by_record.setdefault(f"{head}/{name}", {})[rest] = found
        batch: list[tuple[str, str, str]] = []
        for record, files in by_record.items():
            batch += [(record, path, found) for path, found in files.items()]
            if len(batch) >= _AT_ONCE:
                yield from self._texts(batch)
                batch = []
        yield from self._texts(batch)

    def write(self, seen: Seen, changed: Mapping[str, Files], dropped: Collection[str]) -> Mapping[str, str] | None:
        """Write these records whole and take those away; gives all records with their hashes.

        None, and nothing written, when somebody else wrote since.
        """
        records = {name: found for name, found in seen.records.items() if name not in dropped}
        records |= {name: self._tree(files) for name, files in changed.items()}
        number = self._blob(f"{FORMAT}\n")
        entries = [f"100644 blob {number}\t{_FORMAT_FILE}"]
        for kind in sorted({name.partition("/")[0] for name in records}):
            below = [
                f"040000 tree {found}\t{name.partition('/')[2]}"
                for name, found in records.items()
                if name.startswith(f"{kind}/")
            ]
            entries.append(f"040000 tree {self._made(below)}\t{kind}")
        parent = ("-p", seen.commit) if seen.commit and not dropped else ()
        commit = self._done("commit-tree", *parent, "-m", "pam-rollback state", self._made(entries))
        return records if self._moved(seen.commit, commit) else None

    def _moved(self, before: str, commit: str) -> bool:
        """Whether the ref is there now; False when it is where somebody else moved it."""
        for tried in range(1, _LOCKED_TRIES + 1):
            ended = self._remote(
                *("push", "--porcelain", "--no-verify", f"--force-with-lease={REF}:{before}", "--"),
                *(self.command.remote, f"{commit}:{REF}"),
            )
            if ended.succeeded:
                return True
            if _LOST in ended.out:
                return False
            # The answer may be lost after the ref was moved: what is there now decides.
            listed = self._remote("ls-remote", "--", self.command.remote, REF)
            if listed.succeeded and (now := listed.out.partition("\t")[0].strip()) != before:
                return now == commit
            if tried == _LOCKED_TRIES or not _LOCKED.search(f"{ended.out}\n{ended.err}"):
                raise self.command.trouble("write the state", ended)
            time.sleep(_LOCKED_S)  # another writer is about to move it
        return False

    def _texts(self, batch: Collection[tuple[str, str, str]]) -> Iterator[tuple[str, Files]]:
        if not batch:
            return
        asked = "".join(f"{one[2]}\n" for one in batch)
        # The sizes count bytes: what is no text comes as it is.
        ended = self.command.run("cat-file", "--batch", folder=self.mirror, given=asked, errors=_BYTES)
        if not ended.succeeded:
            raise self.command.trouble("read the state", ended)
        rest, found = ended.out.encode(errors=_BYTES), dict[str, dict[str, str]]()
        for record, path, _ in batch:
            head, _, rest = rest.partition(b"\n")
            if head.endswith(b" missing"):
                raise self.command.failed("read the state", f"{record}/{path} is missing in {self.mirror}")
            size = int(head.rpartition(b" ")[2])
            found.setdefault(record, {})[path] = rest[:size].decode(errors="replace")
            rest = rest[size + 1 :]
        yield from found.items()

    def _tree(self, files: Files) -> str:
        """A folder with these files, and folders for those that are in one."""
        plain = {path: text for path, text in files.items() if "/" not in path}
        entries = [f"100644 blob {self._blob(text)}\t{path}" for path, text in plain.items()]
        for folder in sorted({path.partition("/")[0] for path in files.keys() - plain.keys()}):
            below = {path.partition("/")[2]: text for path, text in files.items() if path.startswith(f"{folder}/")}
            entries.append(f"040000 tree {self._tree(below)}\t{folder}")
        return self._made(entries)

    def _blob(self, text: str) -> str:
        return self._done("hash-object", "-w", "--stdin", given=text)

    def _made(self, entries: Iterable[str]) -> str:
        return self._done("mktree", "-z", given="".join(f"{entry}\0" for entry in entries))

    def _refuse_newer(self, blob: str) -> None:
        text = self._done("cat-file", "blob", blob) if blob else ""
        if not text.isdecimal() or int(text) > FORMAT:
            raise self.command.failed(
                "read the state",
                f"{REF} has format {text or 'none'}, this version knows {FORMAT}: install the version that wrote it",
            )

    def _refuse_another(self) -> None:
        """Nothing is there only where a repository says so."""
        if not self.command.speaks_git(self.mirror, deadline_s=self._left_s()):
            raise self.command.failed(
                "read the state", "it answers, and not as a repository does; does something else answer in its place?"
            )

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
