"""Tests of the project; README.md says how they are ordered."""
