"""The HTTP API. It knows no Ray: it stands on a backend that is handed to it."""
