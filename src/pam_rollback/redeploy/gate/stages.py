"""The npm stages of the gate: which scripts a package has, and what came of one of them."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pam_rollback.core.configuration import nearest
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.core.outside_text import cut
from pam_rollback.plan.plan_items import GateCommand
from pam_rollback.target.served_release import Served, same_commit


@dataclass(frozen=True)
class Candidate:
    """The commit that the gate is about, and how it is known."""

    commit: str
    version: str
    """Empty when nobody told."""
    why: str
    served: bool
    """Both sites of the environment serve it now: what is measured there is said of it."""

    def __str__(self) -> str:
        """For the terminal, before anything is tested."""
        return f"candidate: {f'release {self.version}, ' if self.version else ''}commit {self.commit[:12]} ({self.why})"

    def refuse_absent(self, environment: str) -> None:
        """Raise MeasurementFailed where the environment serves something else: nothing that is measured there is said of the candidate."""
        if not self.served:
            raise MeasurementFailed(
                f"{environment} does not serve the candidate ({self.commit[:12]}), so nothing that is seen there says anything of it; "
                f"deploy it to {environment} first"
            )


def candidate_of(found: str | None, asked: str, site: Served, api: Served) -> Candidate:
    """``found`` is the commit that ``--to`` (``asked``) names, if any. Without ``--to`` it is what both sites serve.

    Raises MeasurementFailed when that cannot be told, with what was seen.
    """
    served = [one for one in (site, api) if one.commit]
    if asked:
        named = found or next((one.commit for one in served if one.version == asked), None)
        if named is None:
            raise MeasurementFailed(
                f"--to {asked}: expected a commit or its beginning, a tag, a branch, or the release that is served; the repository "
                f"has none; {site}; {api}"
            )
        here = len(served) == 2 and all(same_commit(named, one.commit) for one in served)  # noqa: PLR2004 - both sites
        version = next((one.version for one in served if same_commit(named, one.commit)), "")
        return Candidate(named, version, f"--to {asked}", here)
    if not served or not same_commit(served[0].commit, served[-1].commit):
        raise MeasurementFailed(
            f"which commit is the candidate cannot be told from what is served: {site}; {api}; name it with --to"
        )
    commit = max((one.commit for one in served), key=len)
    return Candidate(commit, served[0].version, "it is served now", len(served) == 2)  # noqa: PLR2004 - both sites


_SHORT = 12
_TELLING = re.compile(r"[✖✘]|^not ok|\bFAIL(ED|URES?)?\b|Error\b|\berror\b|\bexpected\b|: problem|\bmissing\b|npm ERR!")
_GOOD = ("✔", "ok ", ">", "$ npm")
_WORDS_MAX = 400
_IDLE = frozenset({"echo", "printf", "true", ":"})
_REDIRECTED = re.compile(r"\d?>&\d")


def telling_words(lines: Sequence[str], count: int) -> str:
    """What a person needs of a log first: its first lines that speak of a failure, else its last lines."""
    said = [line.strip() for line in lines if line.strip()]
    telling = (line for line in said if _TELLING.search(line) and not line.startswith(_GOOD))
    found = list(dict.fromkeys(telling))[:count] or said[-count:]
    words = " · ".join(found) or "it printed nothing"
    return cut(words, _WORDS_MAX)


def is_idle(script: str) -> bool:
    """Whether a script ends well without doing anything: it is empty, prints a sentence, or says ``true``, ``:`` or ``exit 0``."""
    words = shlex.shlex(_REDIRECTED.sub("", script), posix=True, punctuation_chars="();&|")
    words.whitespace_split = True
    command: list[str] = []
    reached = True
    try:
        for word in (*words, ";"):
            if not set(word) <= set("();&|"):
                command.append(word)
                continue
            if reached and command and not _does_nothing(command):
                return False
            if reached and command[:1] == ["exit"]:
                return True
            # What does nothing ends well, so what stands behind its `||` never runs.
            reached, command = word != "||", []
    except ValueError:  # a quote without an end: npm will say so
        return False
    return True


def _does_nothing(command: Sequence[str]) -> bool:
    return command[0] in _IDLE or [*command] in (["exit"], ["exit", "0"])


def scripts_of(package: str, place: str) -> Mapping[str, str]:
    """The scripts of a package.json. Raises MeasurementFailed when it cannot be read: then nothing is known of any stage."""
    try:
        # As npm reads it: of two equal keys the last.
        document: Any = json.loads(package)
    except (ValueError, RecursionError) as error:
        raise MeasurementFailed(f"{place}: expected JSON, found {error}") from None
    scripts = document.get("scripts", {}) if isinstance(document, dict) else None
    if not isinstance(scripts, dict) or not all(isinstance(text, str) for text in scripts.values()):
        raise MeasurementFailed(f"{place}: expected an object with scripts, found {cut(package, 80)!r}")
    return scripts


@dataclass(frozen=True, repr=False)
class Stage(Fact):
    """What came of one script in a checkout of the candidate. ``exit_code`` is None when it was ended by us, or is not there."""

    command: GateCommand
    commit: str
    scripts: Mapping[str, str]
    """Those that the package has."""
    exit_code: int | None = None
    took_s: float = 0.0
    last_words: str = ""
    kept: int = 0
    """How many files that it left (JUnit, coverage, …) are in the run's folder."""

    @property
    def missing(self) -> bool:
        """The package has no such script, or one that does nothing: what it should have tested is not tested."""
        return is_idle(self.scripts.get(self.command.script, ""))

    @property
    def measured(self) -> Measured:
        """Its exit code."""
        value = "no such script" if self.missing else "no end" if self.exit_code is None else self.exit_code
        return Measured(
            what=self.command.command,
            asked="exit code 0",
            value=value,
            n=int(not self.missing),
            sentence=self._sentence,
        )

    @property
    def _sentence(self) -> str:
        script = self.command.script
        where = f"{self.command.id}: {self.command.command} at commit {self.commit[:_SHORT]}"
        if self.missing and script in self.scripts:
            idle = cut(self.scripts[script], 80)
            return f"{where}: script {script!r} of package.json tests nothing: {idle!r}. Write it: the plan asks for this stage"
        if self.missing:
            near = nearest(script, self.scripts)
            guess = f", is it {near!r}?" if near else "."
            known = ", ".join(sorted(self.scripts)) or "none"
            return f"{where}: package.json has no script {script!r}{guess} It has: {known}. Add it: the plan asks for this stage"
        if self.exit_code is None:
            return (
                f"{where}: no end within {self.command.deadline_s:g} s (plan.toml), so it was ended: {self.last_words}"
            )
        if self.exit_code:
            return f"{where}: exit code {self.exit_code} after {self.took_s:.1f} s: {self.last_words}"
        return f"{where}: done in {self.took_s:.1f} s; {self.kept} files of it are kept"
