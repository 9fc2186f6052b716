"""Tests of dhtask.demo, and of the commands that train."""
