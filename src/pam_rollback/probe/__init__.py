"""What users see: the open-loop prober and its timeline, acknowledged writes, health, memory, recovery times and windows.

It may touch the product, from processes of its own, and the database that acknowledged writes are looked for in.
"""
