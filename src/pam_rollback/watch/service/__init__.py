"""A turn of a watch: its looks and whose turn it is (``turn``), the incident (``incident``), and who is told of it (``telling``)."""
