"""The outside things of a watch: the files of an environment (``files``)."""
