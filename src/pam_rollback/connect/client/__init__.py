"""The doctor, asked in a process of his own."""
