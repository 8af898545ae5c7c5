"""The room that proposes: what to try next, and the command line. The only room that knows all others.

`study_file/` reads what a person wrote, `proposals/` turns a sampler's numbers into recipes, `candidates/`
opens and makes them, `running/` works on studies, `showing/` is what people read, and `commands/` are the
`crucible` commands, which `cli.py` assembles.
"""
