"""Values to text, JSON, Markdown and HTML."""
