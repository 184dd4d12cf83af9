"""What users get, asked from outside every few milliseconds: when it became the target."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

EVERY_S = 0.015
_DEADLINE_S = 5.0
STABLE = "1.41.3"
FLAGS = ("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS")


@dataclass
class Watch:
    """By what is looked at: the moment from which on it was the target, without a break. Seconds since 1970."""

    since_s: dict[str, float] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)


def stable_api(api: str) -> Callable[[], bool]:
    """Whether clients get the stable back end, or a revert that has its content."""
    return lambda: _text(f"{api}/version").get("release") == STABLE


def stable_site(frontend: str) -> Callable[[], bool]:
    """Whether visitors get the stable front end."""
    return lambda: _text(f"{frontend}/version.json").get("release") == STABLE


def features_off(api: str) -> Callable[[], bool]:
    """Whether somebody who had the features has none of them."""
    body = json.dumps({"context": {"targetingKey": "benchmark"}}).encode()

    def look() -> bool:
        found = _text(f"{api}/ofrep/v1/evaluate/flags", body).get("flags")
        values = {str(flag["key"]): flag["value"] for flag in found} if isinstance(found, list) else {}
        return bool(values) and not any(values.get(name, True) for name in FLAGS)

    return look


@contextmanager
def watched(looks: Mapping[str, Callable[[], bool]]) -> Iterator[Watch]:
    """Look at each as long as the block runs."""
    watch = Watch()
    threads = [threading.Thread(target=_follow, args=(watch, name, look), daemon=True) for name, look in looks.items()]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        watch.stop.set()
        for thread in threads:
            thread.join()


def _follow(watch: Watch, name: str, look: Callable[[], bool]) -> None:
    while not watch.stop.is_set():
        asked_s = time.time()
        if not look():
            watch.since_s.pop(name, None)
        else:
            watch.since_s.setdefault(name, asked_s)
        watch.stop.wait(EVERY_S)


def _text(url: str, body: bytes | None = None) -> Mapping[str, object]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - a loopback address
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=_DEADLINE_S) as answer:
            found = json.loads(answer.read())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
