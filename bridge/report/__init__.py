"""`bridge report`: facts about jobs as one value, and that value as one page of HTML."""

from bridge.report.colour import colour
from bridge.report.facts import Facts, JobFacts, gather
from bridge.report.page import pieces, render

__all__ = ["Facts", "JobFacts", "colour", "gather", "pieces", "render"]
