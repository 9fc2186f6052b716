"""Tests of the key performance indicators."""
