"""Compiled loops over lines of luma, a file for each family of sums.

They take 8-bit codes: what they look for does not need more, and narrow numbers make the fastest packed instructions.
"""
