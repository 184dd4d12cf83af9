"""Could we roll back right now? Each strategy is a list of questions.

It may touch the foundation, the look-up of names, and ``observation/``: being blocked is no outage. Topics and leaves hand in their own
questions by a hook.
"""
