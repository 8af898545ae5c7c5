"""One command for a CUDA machine that is at hand for minutes: `python -m benchmarks.gpu --out DIR`.

Begin with `__main__.py`. `running.py` gives each part a process and a share of the time, `report.py` keeps
what they say on disk, `part.py` is the other end; the parts are `describing`, `agreeing`, `residing`,
`merging_speed`, `largest`, `swapping` and `serving`. It needs torch >= 2.11, safetensors, numpy and
transformers, and nothing else that is not in this repository.
"""
