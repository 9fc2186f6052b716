"""SAY: decorators and synchronisation, a thin front of the runtime."""
