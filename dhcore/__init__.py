"""The DeepHealth deep-learning and imaging library."""
