"""vLLM, its weights overwritten in place by candidates that are merged inside it.

Begin with `engine.py`, our side. `process.py` runs in the engine's process, `worker.py` in vLLM's workers;
`checksums.py` and `canary.py` prove that a swap arrived. vLLM itself is imported in those processes alone.
"""
