"""Spec to plan: pure, offline and deterministic."""
