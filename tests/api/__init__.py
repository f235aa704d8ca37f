"""The public interface for Python."""
