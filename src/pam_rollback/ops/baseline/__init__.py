"""How it was before: recorded part by part, so that later sessions can compare.

It may touch the foundation and the folder of baselines. It knows no other topic: each one brings its part by a hook.
"""
