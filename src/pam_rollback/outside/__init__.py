"""How the world is reached: HTTP, a provider, programs, PostgreSQL, files that survive a crash.

It may touch the network, the disk and other programs, and of ours ``base/`` only: what an answer means is known to whoever asked.
"""
