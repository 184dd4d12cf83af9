"""A script of SQL as its statements, each on one line: what it does, however it is laid out."""

import re

_TOKEN = re.compile(
    r"(?P<remark>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*'|\"[^\"]*\"|(?P<tag>\$\w*\$).*?(?P=tag))|(?P<end>;)",
    re.DOTALL,
)


def statements(script: str) -> tuple[str, ...]:
    """Each on one line and without remarks; a semicolon within quotes, dollar quotes or remarks ends none."""
    found, current, position = [], "", 0
    for token in _TOKEN.finditer(script):
        current += script[position : token.start()] + (token["text"] or " ")
        position = token.end()
        if token["end"]:
            found.append(current)
            current = ""
    return tuple(line for one in (*found, current + script[position:]) if (line := " ".join(one.split())))
