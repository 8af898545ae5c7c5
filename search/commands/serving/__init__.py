"""Commands about the service: `serve` is one, `submit` hands it a study."""
