"""Commands that tell of a study in a file: its report, its plots."""
