"""Requests made on many machines: a Ray cluster's workers carry them, the driver decides.

`start` joins a cluster or starts one, `courier` is the driver's end of a provider's workers, `line` the way to one of
them; `worker` and `desk` are what runs over there. Only `start` and `line` import Ray.
"""
