"""What a bot remembers between connections and between processes.

from qqbot_sync.store import SqliteStore

client = BotClient(store=SqliteStore("bot.db"))
"""

from qqbot_sync.store.base import MAX_AGE, Done, Record, Remembered, Store
from qqbot_sync.store.memory import MemoryStore
from qqbot_sync.store.sqlite import SqliteStore

__all__ = ["MAX_AGE", "Done", "MemoryStore", "Record", "Remembered", "SqliteStore", "Store"]
