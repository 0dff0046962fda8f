"""The demonstration: the whole loop on real data, through the public API and nothing else.

What it plays are the people and the boxes around the product: three admins, a folder that stands for the machine
where they keep their keys, and two edge servers.
"""
