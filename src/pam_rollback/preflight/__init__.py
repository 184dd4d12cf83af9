"""Could we roll back right now? Each strategy is a list of questions.

It may touch the foundation, the look-up of names, and ``observation/``: being blocked is no outage. Topics and leaves hand in their own
questions by a hook.
"""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
