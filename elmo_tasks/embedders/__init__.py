"""Layer 2: embedders turn words into vectors. One file per provider, a cache with the same protocol, model inputs."""
