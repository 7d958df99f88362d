from tests.cli.conftest import bridge, queue

__all__ = ["bridge", "queue"]
