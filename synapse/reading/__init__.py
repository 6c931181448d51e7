"""From a query to raw rows: plans, routes, reading ahead, checkpoints and shards. It knows tables and no entity."""
