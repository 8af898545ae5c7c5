"""The paths of the API, by whom they serve, and what they bring: views, events, exports.

`studies.py` takes studies in and says what shall become of them, `results.py` tells what they came to,
`machine.py` is for whoever looks after the service.
"""
