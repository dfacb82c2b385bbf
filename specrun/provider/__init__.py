"""The HTTP edge: one client, and what each answer of a server means."""
