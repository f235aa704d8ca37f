"""The command line as a user meets it: in this process, and as a process of its own."""
