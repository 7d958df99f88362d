from tests.store.conftest import open_folder, queue

__all__ = ["open_folder", "queue"]
