"""The rules of `check` and `audit`."""
