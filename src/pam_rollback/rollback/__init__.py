"""Rolling back and undoing it: the steps of each strategy, the engine that carries them out, the journal, and the providers.

It alone changes what a product runs on: hosts, flags, repository. It plants incidents on the sandbox.
"""
