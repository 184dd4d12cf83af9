"""What servers recorded themselves: error rate, response times, memory."""
