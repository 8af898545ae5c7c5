"""Fusion functions, the loss, and the training loop that goes on where it was killed."""
