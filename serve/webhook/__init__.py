"""Telling receivers of incidents: signed, in order, again until they have it."""
