"""How git is called: nothing of the machine's configuration, no hooks, no questions, a limit, and a token that no argument shows."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from pam_rollback.core.errors import ProviderError
from pam_rollback.http.programs import Ended, run_program

PROVIDER = "git"
_TOKEN_VARIABLE = "PAM_ROLLBACK_GIT_TOKEN"  # noqa: S105 - its name
_TOKEN_USER = "x-access-token"  # noqa: S105 - the name that hosts ask for beside a token
_KEPT_VARIABLES = (
    "PATH",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=10"
_SHOWN_LINES = 12
_PLACE_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]*@", re.IGNORECASE)
_HTTP_STATUS = re.compile(r"returned error: (\d{3})|HTTP (\d{3})\b")
_NOISE = re.compile(r"^(?:hint:|To |error: failed to push some refs|Everything up-to-date|Done$|.*\b\d+% \(\d+/\d+\))")
_NOTHING_SENT = (
    "could not resolve host",
    "couldn't connect to server",
    "failed to connect",
    "connection refused",
    "could not connect",
)
_ADVICE = (
    ("could not read username", "it asks who we are: export the variable of [secrets] git_token_env"),
    ("authentication failed", "the token of [secrets] git_token_env is not accepted: renew it"),
    ("invalid username or", "the token of [secrets] git_token_env is not accepted: renew it"),
    ("permission denied (publickey", "the ssh key is not accepted: see `ssh-add -l`, or use https and git_token_env"),
    ("host key verification failed", "the host's key is not known here: add it to known_hosts after comparing it"),
    ("error: 403", "the token may not do this: it needs to write contents"),
    ("permission to", "the token may not do this: it needs to write contents"),
    ("not found", "is [git] remote right, and may the token see it?"),
    ("does not exist", "is [git] remote right?"),
    ("does not appear to be a git repository", "is [git] remote right?"),
    *((words, "is the host up, and are we online?") for words in _NOTHING_SENT),
    (
        "protected",
        "the branch is protected: roll back by the providers (docs/runbook.md#backend-rollback), or merge the revert there",
    ),
    ("no space left", "make room on this machine"),
)
"""What git or the host says, and what to do. The first that fits."""


@dataclass(frozen=True)
class GitCommand:
    """Git, for one remote. ``deadline_s`` holds for each call."""

    remote: str
    token: str = field(default="", repr=False)
    deadline_s: float = 60.0
    settings: tuple[tuple[str, str], ...] = ()
    """What is named instead in advice, where remote and token are not those of an environment's file."""

    def __post_init__(self) -> None:
        if not self.remote or self.remote.startswith("-"):
            raise ProviderError(
                f"git: expected the address of a repository, found {self.remote!r}; set [git] remote",
                provider=PROVIDER,
                operation="open",
                sent=False,
            )

    @property
    def where(self) -> str:
        """The remote for messages, without whatever stands in front of an @."""
        return _PLACE_PASSWORD.sub(r"\1", self.remote)

    def run(
        self,
        *arguments: str,
        folder: Path,
        given: str = "",
        deadline_s: float | None = None,
        errors: str = "replace",
        dated: str = "",
    ) -> Ended:
        """Call git and wait for its end. Raises ProviderError only where there is no git. ``errors``: as ``run_program`` has it.

        ``dated`` is the moment of a commit; without one it is now.
        """
        try:
            return run_program(
                ["git", *arguments],
                folder=folder,
                variables=self._variables()
                | ({"GIT_AUTHOR_DATE": dated, "GIT_COMMITTER_DATE": dated} if dated else {}),
                deadline_s=self.deadline_s if deadline_s is None else deadline_s,
                given=given,
                errors=errors,
            )
        except FileNotFoundError:
            raise self.failed("start", "there is no git on this machine; install it", sent=False) from None

    def speaks_git(self, folder: Path, *, deadline_s: float) -> bool:
        """Whether who answers at the remote is a git host: a page of one line over HTTP reads as a repository without a single ref."""
        ended = run_program(
            ["git", "ls-remote", "--", self.remote, "HEAD"],
            folder=folder,
            variables={**self._variables(), "GIT_TRACE_PACKET": "1"},
            deadline_s=deadline_s,
        )
        return "packet:" in ended.err

    def done(self, *arguments: str, folder: Path, operation: str, given: str = "", dated: str = "") -> str:
        """Call git and give what it printed; raises ProviderError when it did not succeed."""
        ended = self.run(*arguments, folder=folder, given=given, dated=dated)
        if not ended.succeeded:
            raise self.trouble(operation, ended)
        return ended.out.strip()

    def trouble(self, operation: str, ended: Ended, state: str = "") -> ProviderError:
        """The error of a call that did not succeed, in git's own words; ``state`` is how things are now."""
        if ended.exit_code is None:
            said = self.words(ended)
            waited = f"no end after {ended.took_s:.0f} s, so it was stopped{f'; last: {said}' if said else ''}{state and '; '}{state}"
            return self.failed(operation, f"{waited}; is the host up, and are we online?")
        said = self.words(ended) or f"exit code {ended.exit_code}, without a word"
        lowered = said.lower()
        advice = next((advice for words, advice in _ADVICE if words in lowered), "see what git says")
        for usual, ours in self.settings:
            advice = advice.replace(usual, ours)
        status = _HTTP_STATUS.search(said)
        return self.failed(
            operation,
            f"{said}{state and '; '}{state}; {advice}",
            http_status=int(status[1] or status[2]) if status else None,
            sent=not any(words in lowered for words in _NOTHING_SENT),
        )

    def failed(self, operation: str, what: str, *, http_status: int | None = None, sent: bool = True) -> ProviderError:
        """An error of this remote."""
        return ProviderError(
            self.clean(f"git {operation} at {self.where}: {what}"),
            provider=PROVIDER,
            operation=operation,
            http_status=http_status,
            sent=sent,
        )

    def words(self, ended: Ended) -> str:
        """What git and the host said, in one line, without progress."""
        lines = [line.rsplit("\r", 1)[-1].strip() for line in (ended.err + "\n" + ended.out).split("\n")]
        told = [line for line in dict.fromkeys(lines) if line and not _NOISE.match(line.removeprefix("remote: "))]
        return self.clean(" · ".join(told[:_SHOWN_LINES]))

    def clean(self, text: str) -> str:
        """The text without the token, and without what stands before the @ of an address."""
        for secret in filter(None, (self.token, quote(self.token, safe=""))):
            text = text.replace(secret, "***")
        return _PLACE_PASSWORD.sub(r"\1", text)

    def _variables(self) -> dict[str, str]:
        proxies = [spelling for name in _PROXIES for spelling in (name, name.upper())]
        kept = {name: os.environ[name] for name in (*_KEPT_VARIABLES, *proxies) if name in os.environ}
        return {
            "GIT_SSH_COMMAND": _SSH,
            **kept,
            "LC_ALL": "C",
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "SSH_ASKPASS": "false",
            "GIT_EDITOR": "false",
            "GIT_PAGER": "cat",
            "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
            "GIT_AUTHOR_NAME": "PAM rollback",
            "GIT_AUTHOR_EMAIL": "pam-rollback@invalid",
            "GIT_COMMITTER_NAME": "PAM rollback",
            "GIT_COMMITTER_EMAIL": "pam-rollback@invalid",
            **self._configuration(),
        }

    def _configuration(self) -> dict[str, str]:
        """Settings for each call, as variables: what stands in arguments can be read by every user of the machine."""
        settings = [
            ("core.hooksPath", os.devnull),
            ("core.fsmonitor", "false"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            ("commit.gpgSign", "false"),
            ("rerere.enabled", "false"),
        ]
        secret: dict[str, str] = {}
        parts = urlsplit(self.remote) if "://" in self.remote else None
        if self.token and parts is not None and parts.scheme in {"http", "https"}:
            # Only for this host: a redirect to another one gets no token.
            host = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
            user = "" if parts.username else f"echo username={_TOKEN_USER}; "
            helper = f'!f() {{ test "$1" = get || exit 0; {user}echo "password=${_TOKEN_VARIABLE}"; }}; f'
            settings += [("credential.helper", ""), (f"credential.{host}.helper", helper)]
            secret = {_TOKEN_VARIABLE: self.token}
        return {**secret, **_as_variables(settings)}


def _as_variables(settings: list[tuple[str, str]]) -> Mapping[str, str]:
    numbered = {
        f"GIT_CONFIG_{part}_{number}": text
        for number, pair in enumerate(settings)
        for part, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {"GIT_CONFIG_COUNT": str(len(settings)), **numbered}
