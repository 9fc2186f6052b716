"""The fast kernels of the processor. What is not here NumPy already does at the speed of memory: see the registry."""
