"""A Synapse backend on this machine."""
