"""One text under two tokenizers: spans of tokens with equal bytes, and which id is which."""
