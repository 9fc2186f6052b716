"""ACT: one interface, three implementations. They know nothing of the graph."""
