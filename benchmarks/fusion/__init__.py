"""Measures of fusion: what one model learns from others of any architecture."""
