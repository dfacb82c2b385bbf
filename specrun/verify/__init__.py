"""Whether what stands on disk is what was made: compared, explained, and made again to see."""
