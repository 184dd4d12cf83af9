"""What became of a request that was not answered, in words. Never its own content, which may be confidential."""

import errno
import socket
from ssl import SSLError

from gevent.timeout import Timeout
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError

from pam_rollback.load.client.process.client import BrokenOff

_OUR_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (BrokenOff, "the body did not come whole"),
    (ConnectionRefusedError, "refused the connection"),
    (ConnectionResetError, "reset the connection"),
    (BrokenPipeError, "reset the connection"),
    (HTTPConnectionClosed, "closed the connection without a whole answer"),
    (HTTPParseError, "not HTTP"),
    (socket.gaierror, "the name could not be resolved"),
    (SSLError, "no encrypted connection"),
)
"""The first that fits."""


def is_ours(error: BaseException) -> bool:
    """This machine could not send the request; nothing is known about the target."""
    return isinstance(error, OSError) and error.errno in _OUR_ERRORS


def in_words(error: BaseException, *, timeout_s: float) -> str:
    """What happened, for people."""
    if isinstance(error, Timeout | TimeoutError) or isinstance(error.__cause__, TimeoutError):
        return f"no whole answer within {timeout_s:g} s"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    detail = error.strerror if isinstance(error, OSError) else ""
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
