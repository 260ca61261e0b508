"""Events to handlers: who gets them, in which order, on which threads."""

from qqbot_sync.dispatch.chain import Counters
from qqbot_sync.dispatch.checks import check_executor
from qqbot_sync.dispatch.claims import Claims
from qqbot_sync.dispatch.dispatcher import Dispatcher
from qqbot_sync.dispatch.doing import Doing
from qqbot_sync.dispatch.entries import Offer
from qqbot_sync.dispatch.filters import MessageFilter
from qqbot_sync.dispatch.handler import EventHandler
from qqbot_sync.dispatch.registration import Registration, check_function
from qqbot_sync.dispatch.router import Router, in_ipython, names_of
from qqbot_sync.dispatch.waiting import Expectation, Watch

__all__ = [
    "Claims",
    "Counters",
    "Dispatcher",
    "Doing",
    "EventHandler",
    "Expectation",
    "MessageFilter",
    "Offer",
    "Registration",
    "Router",
    "Watch",
    "check_executor",
    "check_function",
    "in_ipython",
    "names_of",
]
