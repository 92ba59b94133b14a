"""Streams of items, both ways, and the credit for them (spec/streams.md). Names such as F10 are its rules."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, AsyncIterable, AsyncIterator, Iterable

from nanowire_calls import NanowireError
from nanowire_frames import CREDIT, DATA, END, MORE, REQUEST, WAIT, Breach, Frame, frame, read_data
from nanowire_msgpack import Unreadable, pack, unpack_first

if TYPE_CHECKING:
    from nanowire_calls import Call
    from nanowire_session import Session

FIRST_CREDIT = 16_384  # of each stream, in each direction, before any CREDIT (F10)
MOST_CREDIT = 2**31 - 1
WINDOW = 65_536  # bulk on its way that was not acknowledged: this client allows itself no more (F9)
ACKNOWLEDGE = 32_768
PIECE = 16_384  # of bulk in one frame (F14)
SMALL = 1_024  # a piece that is not worth its frame, and how many of those a receiver takes (F15)


class Request:
    """What is left to send of a request."""

    def __init__(self, call: Call, flags: int, rest: memoryview):
        self.call, self.flags, self.rest, self.begun = call, flags, rest, False

    @property
    def over(self) -> bool:
        return not self.rest

    def write(self, session: Session, window: int) -> int | None:
        """Writes a frame, and says how much of it is bulk (F8); None where there is no room for it."""
        if not self.begun:
            size = len(self.rest) if len(self.rest) <= session.most_frame_bytes else PIECE
        else:
            size = min(PIECE, window, len(self.rest))
            if size < min(SMALL, len(self.rest)):
                return None
        more = size < len(self.rest)
        session.write(frame(REQUEST, self.call.id, bytes(self.rest[:size]), self.flags | more * MORE))
        bulk = size if self.begun else 0
        self.flags, self.rest, self.begun = 0, self.rest[size:], True  # further fragments have no flags (P32)
        return bulk


class Items:
    """The items that the client sends for a call: each is asked for when there is credit for those before it (F19, `block`)."""

    def __init__(self, session: Session, call: Call, source: AsyncIterable[Any] | Iterable[Any]):
        self.session, self.call, self.source = session, call, source
        self.credit = FIRST_CREDIT
        self.over = False  # its END was sent, or nothing more is
        self._packed: deque[bytes] = deque()
        self._bytes = self._at = 0  # of all that wait; how much of the first has left
        self._ended = False
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def start(self) -> None:
        self._task = self.session.loop.create_task(self._run())

    def stop(self) -> None:
        self.over = True
        self._packed.clear()
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self) -> None:
        try:
            if isinstance(self.source, AsyncIterable):
                async for item in self.source:
                    self._add(item)
                    await self._flow()
            else:
                for item in self.source:
                    self._add(item)
                    if self._bytes >= PIECE:  # what is ready together travels together (F3)
                        await self._flow()
            self._ended = True
            self.session.offer(self)
        except Exception as error:
            self.session.abandon(self.call, error)  # F6
        finally:
            if isinstance(self.source, AsyncIterator) and hasattr(self.source, 'aclose'):
                await self.source.aclose()

    def _add(self, item: Any) -> None:
        limits = self.session.hello.limits if self.session.hello else self.session.limits
        try:
            data = pack(item, limits['maxDepth'], limits['maxNodes'])
        except ValueError as error:
            raise NanowireError('invalid_argument', f'{self.call.method}: an item: {error}', 'maybe') from error
        if len(data) > limits['maxMessageBytes']:
            raise NanowireError('resource_exhausted', f'{self.call.method}: an item has more than maxMessageBytes', 'maybe')
        self._packed.append(data)
        self._bytes += len(data)

    async def _flow(self) -> None:
        """Lets go what waits, and returns when there is room for more."""
        self.session.offer(self)
        await asyncio.sleep(0)
        while self._bytes > 0 and not self.over:
            self._room = self.session.loop.create_future()
            await self._room

    def write(self, session: Session, window: int) -> int | None:
        """Writes a DATA, or the END; None where there is nothing to write, or no credit."""
        if self.over:
            return None
        if not self._packed:
            if not self._ended:
                return None
            self.over = True
            session.write(frame(END, self.call.id))
            return 0
        room = min(PIECE, window, self.credit)
        first, flags = self._packed[0], 0
        if self._at == 0 and len(first) <= room:
            body = self._packed.popleft()
            while self._packed and len(body) + len(self._packed[0]) <= room:
                body += self._packed.popleft()
        else:
            left = len(first) - self._at
            size = min(room, left)
            if size <= 0 or (window < SMALL and size < left):
                return None
            body = first[self._at:self._at + size]
            self._at += size
            if size == left:
                self._packed.popleft()
                self._at = 0
            else:
                flags = MORE
        self.credit -= len(body)
        self._bytes -= len(body)
        if self._packed and not self.credit:
            flags |= WAIT  # F12
        session.write(frame(DATA, self.call.id, body, flags))
        if self._bytes == 0 and self._room and not self._room.done():
            self._room.set_result(None)
        return len(body)


class _Chunk:
    """Items that lie one behind the other. For the first `credited` bytes credit was given when they came."""

    def __init__(self, data: bytes, at: int, gap: int, credited: int = 0):
        self.data, self.at, self.gap, self.credited = data, at, gap, credited


class Stream:
    """The items that the server sends for a call: `async for item in stream`. It ends with the call, or raises how that failed.

    `left_out` is how many items the server left out directly before the one that was given last (F20), `number` that one's
    number, from 1 on; those left out count. Whoever wants no more says `cancel()`, or uses it by `async with`.
    """

    def __init__(self, session: Session, call: Call):
        self.session, self.call = session, call
        self.left_out = self.number = 0
        self.credit = FIRST_CREDIT  # that the server has
        self.begun = session.loop.create_future()  # by any DATA: a subscription stands then (F21)
        self.parts: bytearray | None = None  # of a DATA that is not whole
        self._fragments = self._copied = 0  # of that; its bytes for which no credit was given yet
        self._chunks: deque[_Chunk] = deque()
        self._gap = self._owed = self._empty = 0
        self._waiter: asyncio.Future[None] | None = None
        call.done.add_done_callback(self._over)

    def cancel(self) -> None:
        self.call.cancel()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.cancel()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        while not self._chunks:
            if self.call.done.done():
                self.call.done.result()  # raises what it failed with
                raise StopAsyncIteration
            self._waiter = self.session.loop.create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                self.cancel()
                raise
        return self._take()

    def _take(self) -> Any:
        chunk, limits = self._chunks[0], self.session.limits
        start = chunk.at
        try:
            item, chunk.at = unpack_first(chunk.data, start, limits['maxDepth'], limits['maxNodes'])
        except Unreadable as error:
            failed = NanowireError('internal', f'{self.call.method}: an item cannot be read: {error}', 'maybe')  # F6
            self._chunks.clear()
            self.session.abandon(self.call, failed)
            raise failed from None
        self.left_out, chunk.gap = chunk.gap, 0
        self.number += self.left_out + 1
        credited = min(chunk.credited, chunk.at - start)
        chunk.credited -= credited
        self._owed += chunk.at - start - credited
        if chunk.at >= len(chunk.data):
            self._chunks.popleft()
        if not self._chunks:
            self._owed, self._copied = self._owed + self._copied, 0
        self._give()
        return item

    def drop(self) -> None:
        """Nobody takes items any more."""
        self._chunks.clear()

    def received(self, got: Frame) -> None:
        """A DATA, judged and kept."""
        size, flags, is_further = len(got.body), got.flags, self.parts is not None
        if size > self.credit:
            raise Breach('credit', f'{size} bytes of items, and credit for {self.credit}')
        self.credit -= size
        if is_further and flags & ~(MORE | WAIT):
            raise Breach('fragment', f'flags {flags}')
        gap, at = (0, 0) if is_further else read_data(flags, got.body)
        self._gap += gap
        self._owed += at
        if is_further or flags & MORE:
            self._part(got.body[at:], bool(flags & MORE))
        elif at < size:
            self._keep(_Chunk(got.body, at, self._gap))
        else:
            self._empty += 1
            if self._empty > SMALL:
                raise Breach('limit', 'DATA without items')  # F15
        if not self.begun.done():
            self.begun.set_result(None)
        self._give()

    def _part(self, data: bytes, more: bool) -> None:
        if self.parts is None:
            self.parts, self._fragments = bytearray(), 0
        self.parts += data
        self._fragments += 1
        if self._fragments > SMALL + len(self.parts) / SMALL:
            raise Breach('fragment', 'a DATA in too many fragments')  # F15
        self._copied += len(data)
        if len(self.parts) > self.session.limits['maxMessageBytes'] and not self.call.over:
            error = NanowireError('resource_exhausted', f'{self.call.method}: an item is too large', 'maybe')
            self.session.abandon(self.call, error)
        if not more:
            credited = len(self.parts) - self._copied
            self._keep(_Chunk(bytes(self.parts), 0, self._gap, credited)) if self.parts else None
            self.parts, self._copied = None, 0
        elif not self._chunks:
            self._owed, self._copied = self._owed + self._copied, 0  # F10

    def _keep(self, chunk: _Chunk) -> None:
        self._empty = self._gap = 0
        if not self.call.over:
            self._chunks.append(chunk)
            self._wake()

    def _give(self) -> None:
        if self._owed >= FIRST_CREDIT // 2 and not self.call.over:
            self.session.write(frame(CREDIT, self.call.id, self._owed.to_bytes(4, 'big')))
            self.credit, self._owed = self.credit + self._owed, 0

    def _over(self, done: asyncio.Future[Any]) -> None:
        done.cancelled() or done.exception()  # whoever iterates hears of it
        if not self.begun.done():
            self.begun.cancel()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
