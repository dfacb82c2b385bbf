"""Plan to images: scheduling, freshness, delivery."""
