"""What probes measured, made into signals and bursts."""
