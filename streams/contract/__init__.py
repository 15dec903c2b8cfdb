"""The contract as documents, made from `schemas`: JSON Schemas, and AsyncAPI for all topics."""
