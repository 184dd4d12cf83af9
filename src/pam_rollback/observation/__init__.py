"""What users see: the open-loop prober, its timeline, recovery times and windows."""
