"""Tests of dhtask.training."""
