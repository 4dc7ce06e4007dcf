"""Layer 2: who gives words their vectors. One file a provider, a cache with the same protocol, and model inputs."""
