"""The site as a person meets it, in a browser: journeys, accessibility, page loads."""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
