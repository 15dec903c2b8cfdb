"""What is measured, one file each: `run` acts, `summarise` is pure."""
