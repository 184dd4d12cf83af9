"""The plan's checklists: measured where something can be, else a person's word."""
