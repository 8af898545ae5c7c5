"""Commands about workers: `worker` is one, `pause`, `resume` and `stop` speak to all of a study."""
