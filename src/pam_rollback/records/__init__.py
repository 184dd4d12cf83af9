"""What servers recorded themselves: error rate, response times and memory, by Prometheus or by their host."""
