"""The life of access keys: states, and the next move."""
