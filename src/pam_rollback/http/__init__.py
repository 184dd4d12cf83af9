"""How the world is reached: HTTP, a provider, programs, PostgreSQL, files that survive a crash.

What an answer means is known to the caller.
"""
