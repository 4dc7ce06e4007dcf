"""Layer 4: experiments run here. Lightning."""
