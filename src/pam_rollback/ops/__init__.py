"""What runs beside rollbacks: watch, connect and doctor, baseline, readiness, alerts, post-mortems, kept state, drills side by side.

A folder each, none of which knows another one. The rest works without them.
"""
