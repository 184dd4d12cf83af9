"""Percentiles, proportions, counters and series, always with the number of values behind them.

Pure. Beside the standard library it may touch ``core/`` only.
"""
