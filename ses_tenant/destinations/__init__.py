"""Where credentials go, and how they are written there."""
