"""A small network on 16x16 blocks, tried against `corruption`. Nothing here is part of the product."""
