"""Words that every layer of the runtime shares: data only, no behaviour, no imports upward."""
