"""The same contract from the other side: the images API and its renderer."""
