"""What notebooks show: tables of rows, pictures with their shapes, reports, traces; as HTML without scripts."""
