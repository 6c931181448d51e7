"""What connects the SDK with other libraries and formats."""
