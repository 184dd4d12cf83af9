"""What ``/robots.txt`` asks of everybody who comes by program."""

DELAY_MAX_S = 30.0
"""More is taken for a slip: nobody would be told anything."""


def crawl_delay_s(body: bytes) -> float:
    """Seconds between two requests that it asks everybody for; 0 where it asks for none."""
    for_all = False
    in_group = False
    found = 0.0
    for line in body.decode("utf-8", "replace").splitlines():
        name, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        if name.lower() == "user-agent":
            for_all = value == "*" or (in_group and for_all)
            in_group = True
            continue
        in_group = False
        if name.lower() == "crawl-delay" and for_all:
            found = _seconds(value)
    return min(found, DELAY_MAX_S)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0
