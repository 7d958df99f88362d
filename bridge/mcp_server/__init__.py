"""The queue for agents, as tools of the Model Context Protocol."""
