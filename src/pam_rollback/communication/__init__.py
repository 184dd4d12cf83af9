"""Who is told of what, by which channel and when; and whether what the public is told is true.

It may touch the foundation, channels, ``health/`` and ``observation/``, against which it holds what is said, and ``sandbox/``, which knows
what a channel received.
"""
