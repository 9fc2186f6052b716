"""The DeepHealth task runtime."""
