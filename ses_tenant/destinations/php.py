"""Values as PHP writes them, for the formats of WordPress."""

from collections.abc import Mapping


def define(constants: Mapping[str, object]) -> str:
    """Return `define` calls, a line each, as they stand in wp-config.php."""
    return "".join(f"define( '{name}', {_value(value)} );\n" for name, value in constants.items())


def comment(*lines: str) -> str:
    """Return a comment of whole lines."""
    return "".join(f"// {line}\n" for line in lines)


def _value(value: object) -> str:
    """Return a PHP literal; in single quotes only the backslash and the quote are special."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
