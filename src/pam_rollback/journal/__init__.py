"""What an action did and what it owes, and how that is put back: written before and after each change, so that no kill loses it.

It may touch one file, by ``outside/``, and of ours ``base/`` and the words of ``environment/``. What puts a change back is handed to it.
"""
