"""`make bench`: the streams against their peers, on one machine, one broker, in one run.

- `traffic` seeded calls; `feed` puts them on topics
- `contenders` one small program each that does the job and tells when it is done
- `children` starts them; `peers` makes the environment that the foreign ones live in
- `parts` what is measured, one file each: a thin edge that runs, a pure function that sums up
- `plan` how much of it; `machine` where; `report` figures into docs/performance.json and .md

Nothing here asserts a figure: ratios stand side by side, and the reader judges.
"""
