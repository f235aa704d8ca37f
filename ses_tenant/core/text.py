"""Text from elsewhere, made harmless for whoever reads it."""


def shown(value: str) -> str:
    """Return a value that came from AWS or a file, on one line and with nothing but its letters.

    What is no letter, such as a control character or one that turns the direction of what follows,
    is written as its escape.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)
