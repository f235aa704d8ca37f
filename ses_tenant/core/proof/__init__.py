"""Who may send as whom."""
