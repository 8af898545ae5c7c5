"""What a source says of every token of a response, sparse: the likeliest few and the mass of the rest."""
