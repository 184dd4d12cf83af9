"""What servers counted meanwhile, and the report of a load test."""
