"""A made study of any size: what its trials chose, what they answered, and the rows of it."""
