"""What a session tells its load process: the order comes on stdin, and the end of stdin ends it, however its parent died."""

import os
import sys

from gevent import monkey
from pydantic import ValidationError

from pam_rollback.load.order import LoadOrder

ON_STDIN = "PAM_LOAD_ORDER_ON_STDIN"
FOLDER = "PAM_LOAD_FOLDER"
_STDIN = 0
_BYTES_MAX = 1 << 20
_PARENT_GONE = 70


def order_of_parent() -> LoadOrder | None:
    """Return the order of the session that started this process; None where no session did."""
    if not os.environ.get(ON_STDIN):
        return None
    line = bytearray()
    while b"\n" not in line:
        part = os.read(_STDIN, 65536)
        if not part or len(line) > _BYTES_MAX:
            sys.exit("expected the order as one line of JSON on stdin")
        line += part
    # A real thread, beside gevent's loop: it ends this process also while that is busy.
    monkey.get_original("_thread", "start_new_thread")(_end_with_stdin, ())
    try:
        return LoadOrder.model_validate_json(line.partition(b"\n")[0])
    except ValidationError as error:
        sys.exit(f"the order is not valid: {error}")


def _end_with_stdin() -> None:
    while os.read(_STDIN, 4096):
        pass
    os._exit(_PARENT_GONE)
