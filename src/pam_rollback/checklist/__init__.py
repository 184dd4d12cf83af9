"""The plan's checklists: measured where something can be, else a person's word.

It may touch the foundation, and what other topics know: ``communication/`` (who was told), ``observation/`` (the windows), ``rollback/``
(what was done). It asks nobody anything itself.
"""
