"""The `crucible` commands, one thin file each: options in, one call, what is printed."""
