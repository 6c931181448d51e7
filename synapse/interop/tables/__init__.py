"""Tables of Arrow out of queries, for pandas, Polars, DuckDB and Parquet, and writes from such tables.

`columns` says what a table has, by the annotations alone; `pages` reads the values, by columns where pages come so;
`arrow` builds record batches of them. `out` and `files` have the methods that give tables, `frames`, `incoming` and
`writes` those that take them.
"""
