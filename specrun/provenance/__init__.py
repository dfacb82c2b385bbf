"""Images that know where they come from: facts written into a file's metadata, found again, and taken out."""
