"""Where credentials go, and how they are written there; `core.destination` says what one is."""
