"""One invocation, the gate's run that it goes by, and what is told of it."""
