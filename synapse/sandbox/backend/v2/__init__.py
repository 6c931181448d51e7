"""The second generation of the API, below `/v2/`: the same rows in another grammar."""
