"""Where operations run: the contract of the kernels, and one folder of them for each kind of device."""
