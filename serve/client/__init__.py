"""What talks to the HTTP API from outside: where it is, how it is asked, and how its answers are read."""
