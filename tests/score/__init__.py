"""How good the detectors are: labelled clips, what is found in them, and what ffmpeg's filters find there."""
