"""A load that was shut out: whether the service answers others meanwhile."""

import math
import time
from dataclasses import replace

from pam_rollback.core import load_blocking
from pam_rollback.core.blocking import find_blocks, open_end
from pam_rollback.core.load_order import LoadOrder
from pam_rollback.core.load_record import LoadRecord
from pam_rollback.plugin.blocked import Lookout


def sorted_by_blocks(record: LoadRecord, order: LoadOrder, lookout: Lookout) -> LoadRecord:
    """What was recorded of a load, sorted out; what others get is asked only when a host refused everything at its end."""
    told = load_blocking.told_of(record, order)
    for host in dict.fromkeys(one.host for one in told):
        end = open_end(told, host)
        if end:
            lookout.ask_further(host, {one.path for one in end})
    controls = [replace(one, at_s=math.inf) for one in lookout.controls]
    now_s = time.monotonic()
    since_s = now_s - (record.ended_s - record.began_s)
    looks = {
        block.host: lookout.looks(block.host, since_s=since_s, until_s=now_s, ours=block.n)
        for block in find_blocks([*told, *controls])
    }
    return load_blocking.sorted_out(record, order, controls=controls, looks=looks)
