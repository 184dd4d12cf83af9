"""Which alerts the plan asks for, how they are written, and how they compare with what a Prometheus has loaded."""
