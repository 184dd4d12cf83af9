"""What every slice may use: values, errors, text, clock and waiting. Pure: no network, no files, no pytest."""
