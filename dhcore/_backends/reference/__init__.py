"""The kernels in plain NumPy: slow, obviously right, in float32 and float64. They define what an operation means."""
