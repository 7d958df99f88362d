"""The soak test: everybody at once, in real processes, over a stand-in Drive that fails, and nothing is lost.

`python -m tests.soak --minutes 10 --seed 1 [--json]`; `make soak` runs that. Three machines share one queue:

    A   a folder; `bridge sync --watch`, `bridge watch --outbox`, an agent
    B   a folder held by a simulated sync client (no compare-and-swap, forks); `bridge work`, an agent
    D   straight on Drive; `bridge work --queue drive:ID`, an agent

and a simulated Colab tab saves stale copies. Processes are killed with SIGKILL, stopped for a while, and the stand-in
answers with faults, all by a seed: the same seed gives the same actions in the same order, at about the same moments.
"""
