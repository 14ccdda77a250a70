"""Checking a device's folder and changing nothing in it."""
