"""The sandbox: the PAM product with real parts, on loopback only.

It may touch its own processes, database and folders, and no other slice: it shares no code with what probes it.
"""
