"""Who gets in without a right, who is shown what is not theirs, and for how many users PAM fails.

It may touch the foundation, the product's API, and ``observation/``, by whose rules a sample is judged.
"""
