"""The event-time engine: follows tape 1, folds it with the core into tape 2, and feeds the warehouse."""
