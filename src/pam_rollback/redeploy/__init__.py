"""Whether and how the candidate is deployed again: the gate, its load test, and the staged ramp.

It may touch everything below it: the plan, hosts and flags, the prober, the session. Each of its folders is loaded by its own phase.
"""
