"""Calls of a client, how they fail, and its limits (spec/errors.md, spec/limits.md)."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Callable

from nanowire_contract import Contract

if TYPE_CHECKING:
    from nanowire_session import Session
    from nanowire_streams import Items, Stream

STATUSES = frozenset(
    'cancelled unknown invalid_argument deadline_exceeded not_found already_exists permission_denied resource_exhausted '
    'failed_precondition aborted out_of_range unimplemented internal unavailable data_loss unauthenticated'.split())

LIMITS = {
    'maxFrameBytes': 65_536, 'maxMessageBytes': 4_194_304, 'maxCallsInFlight': 1024, 'maxDepth': 64, 'maxNodes': 524_288,
    'maxHelloBytes': 65_536, 'maxReassemblyBytes': 16_777_216, 'maxMetadataBytes': 8192, 'maxCallsQueued': 16_384,
    'maxBacklogBytes': 1_048_576, 'handshakeTimeoutMs': 5000, 'pingAfterMs': 20_000, 'idleTimeoutMs': 30_000,
    'callTimeoutMs': 10_000, 'lingerMs': 500,
}
SENDING_AT_ONCE = 1  # large requests: what a server has room for (maxReassemblyBytes) is not announced


class NanowireError(Exception):
    """How a call failed: `code`, whether it ran (`processed`), `data` of a declared error, `id` in the server's log."""

    def __init__(self, code: str, message: str, processed: str = 'no', *, data: Any = None, id: str | None = None,
                 rule: str | None = None, metadata: dict[str, str] | None = None):
        super().__init__(f'{code}: {message}')
        self.code, self.message, self.processed = code, message, processed
        self.data, self.id, self.rule, self.metadata = data, id, rule, metadata or {}


class Call:
    """A request on its way: `await call.done`, or `call.cancel()`. It ends exactly once (S24)."""

    def __init__(self, client: Session, method: str, body: bytes, deadline: float, one_way: bool,
                 on_metadata: Callable[[dict[str, str]], None] | None):
        self.client, self.method, self.body, self.one_way, self.on_metadata = client, method, body, one_way, on_metadata
        self.id = self.tag = self.flags = 0
        self.said = b''  # its metadata
        self.priority: int | None = None
        self.contract: Known | None = None
        self.deadline = deadline
        self.over = False  # nobody waits for it any more
        self.items: Items | None = None  # that the client sends
        self.stream: Stream | None = None  # that the server sends
        self.growing: asyncio.TimerHandle | None = None  # until something that is not whole is given up (F16)
        self.parts: bytearray | None = None  # of a reply in fragments
        self.length = self.fragments = 0  # that have come of it
        self.metadata: dict[str, str] = {}
        self.done = client.loop.create_future()
        self.timer = None if deadline == math.inf else client.loop.call_at(deadline, client._leave, self, 'deadline_exceeded')

    @property
    def begun(self) -> bool:
        return self.id != 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the reply, or of an item of it, is there in part."""
        return self.parts is None if self.stream is None else self.stream.parts is None

    def cancel(self) -> None:
        self.client._leave(self, 'cancelled')

    def end(self, error: Exception | None, value: Any = None) -> None:
        if self.over:
            return
        self.over = True
        for timer in (self.timer, self.growing):
            if timer:
                timer.cancel()
        if self.items:
            self.items.stop()
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(value)


class Known:
    """One contract of this client, and what one server has said of it."""

    def __init__(self, contract: Contract):
        self.contract, self.hash_sent, self.differs = contract, False, False
        self.verdicts: dict[str, str] | None = None  # what is wrong with each method that breaks
        self.asking: asyncio.Task[None] | None = None
        self.waiting: OrderedDict[Call, None] = OrderedDict()
