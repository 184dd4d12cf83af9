"""The post-mortem: all material of an incident in one folder, and the draft with the facts filled in (``make incident``)."""
