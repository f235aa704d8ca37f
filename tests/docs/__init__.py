"""What the documents and the examples say is what the code does."""
