"""Percentiles, proportions, counters and series, always with the number of values behind them. Pure."""
