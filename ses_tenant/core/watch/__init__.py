"""Counts of what a site sends, and rules that tell whether it has been hacked."""
