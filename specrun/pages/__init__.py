"""Pages that show images: one file or folder each, working offline, with nothing fetched from elsewhere."""
