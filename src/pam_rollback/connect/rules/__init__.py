"""How much may be asked, what answers show, which conditions are kept, and the text of the files."""
