"""What the HTTP API stands on in a cluster: the supervisor, the recorder and the tables."""
