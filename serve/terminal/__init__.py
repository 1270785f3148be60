"""How a command speaks and ends: its exit status, its streams, its documents, the files that it writes."""
