"""The routes of today's product where they differ from the plan's: health that says little, paths per user, doors that are open.

Each of them answers what the real one was seen to answer, also where that is wrong.
"""
