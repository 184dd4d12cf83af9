"""Each module asks one outside thing."""
