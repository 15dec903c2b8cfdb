"""The job by each contender: decode, de-duplicate, count in windows, write metrics, ask a rule.

Each is a program of its own, takes its job as JSON in the first argument and tells what it has
done on stdout (`meter`). Those of other engines run in an environment without this product.
"""
