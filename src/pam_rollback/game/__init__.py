"""A game day (``make game``): the sandbox breaks in a way that nobody is told, and whoever plays is scored.

A leaf slice: nothing else in the suite imports it, and without this folder the rest works. It may touch the environment, the prober of
``observation/``, the journal, the records of runs, and ``sandbox/``, which it starts and breaks. It has no tests of a phase: who plays uses
the usual commands in another terminal.
"""
