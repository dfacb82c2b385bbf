"""What pictures show: each motif fills a plate with tones, 0 (dark) to 159 (light)."""
