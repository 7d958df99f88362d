"""`bridge report`: facts about jobs as one value, and the same as one page of HTML."""

from bridge.ui.report.colour import colour
from bridge.ui.report.facts import Facts, JobFacts, facts_of
from bridge.ui.report.page import write_page
from bridge.ui.report.totals import gather

__all__ = ["Facts", "JobFacts", "colour", "facts_of", "gather", "write_page"]
