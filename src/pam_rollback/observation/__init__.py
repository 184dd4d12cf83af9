"""What users see: the open-loop prober, its timeline, the memory of the process, recovery times and windows.

It may touch the foundation, and the product from processes of its own.
"""
