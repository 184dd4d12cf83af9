"""What every package may use: values, errors, text, clock and waiting.

Pure: no network, no pytest, of files only settings and the request to stop.
"""
