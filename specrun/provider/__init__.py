"""The HTTP edge: one client, and what each answer of a server means.

`client.ImageClient` sends requests and owns their resends, `outcome` lists how they can end, `decide` says which it is.
"""
