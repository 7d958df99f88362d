"""`bridge report`: facts about jobs as one value, and that value as one page of HTML."""

from bridge.ui.report.colour import colour
from bridge.ui.report.facts import Facts, JobFacts, gather
from bridge.ui.report.page import pieces, render

__all__ = ["Facts", "JobFacts", "colour", "gather", "pieces", "render"]
