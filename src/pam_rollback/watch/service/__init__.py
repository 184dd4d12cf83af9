"""A turn of a watch (``turn``), the incident (``incident``), and the means by which people hear of it (``channel``)."""
