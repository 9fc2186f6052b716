"""Tests of dhtask.pipeline."""
