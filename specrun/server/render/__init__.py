"""The sandbox's pictures: drawn from the request alone, byte for byte the same on every machine."""
