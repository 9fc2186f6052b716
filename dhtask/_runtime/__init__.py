"""JOIN: the only owner of locks and threads. Program objects become data, graph instructions become work."""
