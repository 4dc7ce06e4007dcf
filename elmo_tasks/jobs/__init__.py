"""Independent jobs: in this process, in a pool of processes on this machine, or on the machines of a Ray cluster."""
