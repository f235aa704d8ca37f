"""Questions that AWS's documentation leaves open, put to a person's own account or the sandbox.

See docs/live.md.
"""
