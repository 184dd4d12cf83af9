"""Rolling back and undoing it: strategies as lists of steps, the engine that runs them, the providers that carry them out."""
