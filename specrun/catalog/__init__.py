"""The models one can ask, each described by one JSON Schema."""
