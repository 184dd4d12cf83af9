"""The suite from a wheel, in the repository of a product: ``pam-rollback``.

pytest has one root folder with one tree of ``conftest.py``, and what a session ran is counted against the files below it. So one folder is
put together there, of links to the suite's own files and to those of the repository, and sessions run in it as they do in a checkout.

A leaf slice: nothing else in the suite imports it. It may touch ``outside/places.py`` of ours, and starts sessions without knowing them.
"""
