"""What a REPL shows of entities and completes in queries; nothing else imports it."""
