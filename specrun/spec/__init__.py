"""YAML text to a `Spec`, with a source place for every value."""
