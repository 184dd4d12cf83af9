"""What puts rules and clients together. No pytest."""
