"""The DeepHealth deep-learning and imaging library.

    nets, nn, losses, metrics, optim, serial    networks: ready ones, layers, what they learn by, their state on disk
    image, augment, data                        images of every origin, random changes, DeepHealth datasets
    tensor, device, dtypes, random, threads     what lies under the layers
    errors                                      what is raised on purpose

Import the room you need; nothing is loaded before.

Example:
    >>> from dhcore import nets
    >>> nets.lenet((1, 28, 28), classes=10).parameter_count
    1256080
"""
