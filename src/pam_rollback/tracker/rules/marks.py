"""Marks in the tracker's texts: comments of HTML that no reader sees, and by which any machine finds again what another one wrote."""

import re
from dataclasses import dataclass

from pam_rollback.base.outside_text import one_line

BEGINS, ENDS = "<!-- pam-rollback begins -->", "<!-- pam-rollback ends -->"
POST_MORTEM = "post-mortem"
"""What was said when a post-mortem was linked."""
_MARK = re.compile(r"<!-- pam-rollback incident key=([A-Za-z0-9-]+) environment=([a-z0-9-]+) -->")
_SAID = re.compile(r"<!-- pam-rollback said=([A-Za-z0-9-]+) -->")
_NO_KEY = re.compile(r"[^A-Za-z0-9-]+")


@dataclass(frozen=True)
class Mark:
    """Which incident an issue is about. ``key`` has letters, digits and hyphens."""

    key: str
    environment: str


def key_of(*parts: str) -> str:
    """A key from other names, such as a run's."""
    return "-".join(_NO_KEY.sub("-", part).strip("-") for part in parts)


def mark_of(body: str) -> Mark | None:
    """The first mark of a text; None where it has none."""
    found = _MARK.search(body)
    return None if found is None else Mark(found[1], found[2])


def marked(mark: Mark, text: str) -> str:
    """A body: its mark, what we keep up to date, and room for people."""
    head = f"<!-- pam-rollback incident key={mark.key} environment={mark.environment} -->"
    return f"{head}\n{BEGINS}\n{text}\n{ENDS}\n"


def renewed(body: str, text: str) -> str | None:
    """The body with our part said anew, and what people wrote around it; None where our part cannot be told from theirs."""
    if body.count(BEGINS) != 1 or body.count(ENDS) != 1 or body.index(ENDS) < body.index(BEGINS):
        return None
    before, _, rest = body.partition(BEGINS)
    return f"{before}{BEGINS}\n{text}\n{ENDS}{rest.partition(ENDS)[2]}"


def said_of(text: str) -> str:
    """What a comment of ours is about; empty for all others."""
    found = _SAID.match(text)
    return found[1] if found is not None else ""


def saying(about: str, text: str) -> str:
    """A comment that is found again."""
    return f"<!-- pam-rollback said={about} -->\n{text}"


def harmless(text: str) -> str:
    """Text from outside, on one line: it calls nobody by name, hides nothing, and is no mark of ours."""
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace("`", "'").replace("@", "@\u200b")
