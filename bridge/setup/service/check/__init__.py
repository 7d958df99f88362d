"""`bridge service check`: does a gateway do its work, from outside, by the wires that clients use?"""
