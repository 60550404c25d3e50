"""Emergency shelter booking."""
