"""What ``sightline doctor`` looks at: a file for each matter, with what is there to see and a judge of it."""
