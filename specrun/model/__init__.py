"""Frozen types that every stage shares; nothing here does I/O."""
