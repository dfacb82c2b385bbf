"""What is kept: blobs, ledger, lock and manifest."""
