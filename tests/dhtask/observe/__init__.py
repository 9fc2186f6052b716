"""Tests of what a run looks like."""
