"""The client's end of one connection: what it reads, sends and waits for (spec/session.md, spec/streams.md). S7, F9: rules."""

from __future__ import annotations

import asyncio
import math
import os
import struct
from collections import OrderedDict, deque
from typing import Any, Callable, Iterable

from nanowire_calls import LIMITS, STATUSES, Call, Known, NanowireError
from nanowire_contract import Contract
from nanowire_frames import (CANCEL, CREDIT, DATA, END, ERROR, FINAL, GOAWAY, HASH, HELLO, IGNORE, JUDGED, METADATA, MORE, PING,
                             PONG, PRIORITY, REQUEST, RESPONSE, Breach, Frame, Frames, Hello, after, frame, read_credit, read_end,
                             read_error, read_hello, read_metadata, write_hello)
from nanowire_msgpack import Unreadable, pack, unpack
from nanowire_streams import ACKNOWLEDGE, MOST_CREDIT, SMALL, WINDOW, Items, Request

SENDING_AT_ONCE = 1  # large requests: what a server has room for (maxReassemblyBytes) is not announced


class Session(asyncio.Protocol):
    """One connection to a server, from its HELLO to its end, as the event loop sees it."""

    def __init__(self, limits: dict[str, int] | None = None, credentials: Any = None, contracts: Iterable[Contract] = (),
                 first_id: int = 1):
        self.loop = asyncio.get_running_loop()
        self.limits = LIMITS | (limits or {})
        self.hello: Hello | None = None  # the server's
        self.stats = {'lateReplies': 0, 'unknownIds': 0}
        self.ready, self.closed = self.loop.create_future(), self.loop.create_future()
        self.going_away = asyncio.Event()  # set by a GOAWAY, too: make another connection for further calls
        self.ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())  # it may be awaited, or not
        self._credentials, self._next_id, self._requests = credentials, first_id, 0
        self._state = 'opening'  # then open, draining, closing, closed
        self._transport: Any = None
        self._frames = Frames(self.limits['maxFrameBytes'], self.limits['maxHelloBytes'])
        self._contracts = {contract.name: Known(contract) for contract in contracts}
        self._queue: OrderedDict[Call, None] = OrderedDict()  # calls that were not begun (S7)
        self._sending: deque[Request | Items] = deque()  # what is left of requests that were begun, and items
        self._window, self._read_bulk = WINDOW, 0  # bulk that may go out, and that has come and is not acknowledged (F9)
        self._last_bulk = 0.0
        self._calls: dict[int, Call] = {}  # by id, until the server has answered (S5)
        self._pinged: dict[bytes, asyncio.Future[None]] = {}
        self._unfinished = 0  # bytes of replies that are not whole
        self._paused, self._pongs = False, deque(maxlen=8)
        self._timers: list[asyncio.TimerHandle] = []
        self._last_read, self._asked = 0.0, False

    # What the event loop calls

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=LIMITS['maxBacklogBytes'])
        transport.write(frame(HELLO, 0, write_hello(self.limits, self._credentials)))
        self._after(self.limits['handshakeTimeoutMs'], self._late)
        self._pump()

    def data_received(self, data: bytes) -> None:
        self._last_read, self._asked = self.loop.time(), False
        try:
            for got in self._frames.feed(data) if self._state != 'closing' else ():
                self._read(got)
                if self._state == 'closing':
                    return
            self._pump()
        except Breach as breach:
            self._violated(breach)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        while self._pongs:
            self._transport.write(self._pongs.popleft())
        self._pump()

    def connection_lost(self, error: Exception | None) -> None:
        self._lose('unavailable', f'the connection was lost ({error or "closed by the server"})')
        self._state = 'closed'
        for timer in self._timers:
            timer.cancel()
        if not self.closed.done():
            self.closed.set_result(None)

    # Sending

    def _pump(self) -> None:
        """Begins calls as long as there is room, and lets the fragments of large ones take turns (P33)."""
        while self._transport and not self._paused and self._state in ('opening', 'open', 'draining'):
            if self._queue and self._room(next(iter(self._queue))):
                call = self._queue.popitem(last=False)[0]
                if self._fits(call):
                    self._begin(call)
                self._turn()
            elif not self._turn():
                break
        self._settle()

    def _turn(self) -> bool:
        """Writes a frame of the next request or stream that may; False where none may (F9, F10)."""
        for _ in range(len(self._sending)):
            sending = self._sending.popleft()
            bulk = sending.write(self, self._window)
            if bulk is None:
                if not sending.over and (isinstance(sending, Request) or self._window < SMALL):
                    self._sending.append(sending)  # for want of acknowledgement; a stream for want of its credit waits for that
                continue
            self._window -= bulk
            if isinstance(sending, Request) and bulk == 0:
                self._begun(sending.call)
            if not sending.over:
                self._sending.append(sending)
            elif sending.call.one_way:
                sending.call.end(None)
            return True
        return False

    def _begun(self, call: Call) -> None:
        """The first frame of a request has left."""
        if call.priority is not None:
            self.write(frame(PRIORITY, call.id, bytes([call.priority]), IGNORE))  # F17
        if call.items:
            call.items.start()

    def offer(self, items: Items) -> None:
        """There are items to send, or credit for them."""
        if not items.over and items not in self._sending:
            self._sending.append(items)
        self._pump()

    def write(self, data: bytes) -> None:
        if self._state not in ('closing', 'closed'):
            self._transport.write(data)

    @property
    def most_frame_bytes(self) -> int:
        return min(self.limits['maxFrameBytes'], self.hello.limits['maxFrameBytes']) if self.hello else 65_536

    def _room(self, call: Call) -> bool:
        if not self.hello:
            return self._requests < 128  # S2
        if len(call.body) > 32_768 and sum(isinstance(sending, Request) for sending in self._sending) >= SENDING_AT_ONCE:
            return False
        return call.one_way or len(self._calls) < self.hello.limits['maxCallsInFlight']

    def _begin(self, call: Call) -> None:
        most = self.hello.limits['maxMessageBytes'] if self.hello else math.inf
        if len(call.body) > most:
            return call.end(NanowireError('resource_exhausted', f'{call.method}: the server takes {most} bytes (maxMessageBytes)'))
        while self._next_id in self._calls:
            self._next_id = self._next_id % (2**32 - 1) + 1
        call.id, self._next_id, self._requests = self._next_id, self._next_id % (2**32 - 1) + 1, self._requests + 1
        if not call.one_way:
            self._calls[call.id] = call
        left = 0 if call.timer is None else max(1, math.ceil((call.deadline - self.loop.time()) * 1000 - 1e-6))  # S12
        flags, hash, known = call.flags, b'', call.contract
        if known and not (self.hello and known.hash_sent):
            flags, hash, known.hash_sent = flags | HASH, known.contract.hash, True  # P18
        self._sending.append(Request(call, flags, memoryview(struct.pack('>II', call.tag, left) + hash + call.said + call.body)))

    def _unsent(self, call: Call) -> bool:
        """Forgets what is left to send of a call, and says whether its request was not sent whole."""
        found = [sending for sending in self._sending if sending.call is call]
        for sending in found:
            self._sending.remove(sending)
        return any(isinstance(sending, Request) for sending in found)

    def _leave(self, call: Call, code: str) -> None:
        """The caller goes away, or its time is up (S10, E4)."""
        error = NanowireError(code, f'{call.method}: the call was {code}', 'maybe' if call.begun else 'no')
        self.abandon(call, error, code == 'cancelled' or bool(call.stream or (call.items and not call.items.over)))  # F7

    def abandon(self, call: Call, error: Exception, tell: bool = True) -> None:
        """The call ends at this side; the server is told by a CANCEL."""
        if call.over:
            return
        call.end(error)
        if call.stream:
            call.stream.drop()
        self._queue.pop(call, None)
        if call.contract:
            call.contract.waiting.pop(call, None)
        self._forget(call)
        if self._unsent(call) or (tell and call.id in self._calls):
            self.write(frame(CANCEL, call.id))
        self._pump()

    def _fits(self, call: Call) -> bool:
        """Whether a call may be sent now, by what is known of the server's contracts; `Client` knows."""
        return True

    # Reading

    def _read(self, got: Frame) -> None:
        if not self.hello:
            if got.kind == HELLO:
                return self._greeted(read_hello(got.body))
            if got.id:
                raise Breach('frame_order', 'an ERROR of a call before the HELLO')
        if got.kind == RESPONSE:
            self._replied(got)
        elif got.kind in (DATA, END):
            self._streamed(got)
        elif got.kind == CREDIT:
            self._credited(got.id, read_credit(got.body))
        elif got.kind == ERROR:
            self._failed(got.id, read_error(got.body, self.limits['maxDepth'], self.limits['maxNodes']))
        elif got.kind == PING:
            pong = frame(PONG, 0, got.body)
            self._pongs.append(pong) if self._paused else self._transport.write(pong)
        elif got.kind == GOAWAY:
            self._drain()
            if got.flags & FINAL:
                self._settled(int.from_bytes(got.body[:4], 'big'))
        elif got.kind == PONG:
            pinged = self._pinged.pop(got.body, None)
            if pinged and not pinged.done():
                pinged.set_result(None)
        else:
            raise Breach('second_hello' if got.kind == HELLO else 'frame_order', f'kind {got.kind}')

    def _greeted(self, hello: Hello) -> None:
        self.hello, self._state = hello, 'open'
        self.ready.set_result(hello)
        self._watch()

    def _replied(self, got: Frame) -> None:
        call = self._calls.get(got.id)
        if not call:
            self.stats['unknownIds'] += 1
            return
        if call.stream:
            raise Breach('stream', 'a RESPONSE for a call that is answered by items')  # F2
        body = got.body
        if call.parts is None:
            call.parts, at, call.fragments = bytearray(), 0, 1
            if got.flags & METADATA:
                call.metadata, at = read_metadata(body, 0, self.limits['maxMetadataBytes'])
            body = body[at:]
        else:
            self._acknowledge(len(body))
            call.fragments += 1
            if got.flags & ~MORE or call.fragments > SMALL + call.length / SMALL:
                raise Breach('fragment', f'flags {got.flags}, fragment {call.fragments}')  # P32, F15
        call.length += len(body)
        self._grown(call, bool(got.flags & MORE))
        if not call.over:
            call.parts += body
            self._unfinished += len(body)
            if len(call.parts) > self.limits['maxMessageBytes'] or (
                    got.flags & MORE and self._unfinished > self.limits['maxReassemblyBytes']):
                self._forget(call)
                call.end(NanowireError('resource_exhausted', f'{call.method}: the reply is too large', 'yes'))  # P34
        if got.flags & MORE:
            return
        del self._calls[got.id]
        body = bytes(call.parts)
        self._forget(call)
        if call.over:
            self.stats['lateReplies'] += 1
            return
        self._tell(call, call.metadata)
        try:
            call.end(None, unpack(body, self.limits['maxDepth'], self.limits['maxNodes']))
        except Unreadable as error:
            call.end(NanowireError('internal', f'{call.method}: the reply cannot be read: {error}', 'yes'))  # E18

    def _streamed(self, got: Frame) -> None:
        """Items, or their end."""
        if got.kind == DATA:
            self._acknowledge(len(got.body))
        call = self._calls.get(got.id)
        if not call:
            self.stats['unknownIds'] += 1
            return
        if not call.stream:
            raise Breach('stream', 'items for a call that has a reply')  # F2
        if got.kind == DATA:
            call.stream.received(got)
            return self._grown(call, bool(got.flags & MORE))
        if not call.is_whole:
            raise Breach('fragment', 'an END within an item')  # F3
        metadata = read_end(got.flags, got.body, self.limits['maxMetadataBytes'])
        del self._calls[got.id]
        self._unsent(call)
        if call.over:
            self.stats['lateReplies'] += 1
            return
        self._tell(call, metadata)
        call.end(None)

    def _acknowledge(self, size: int) -> None:
        """Bulk has come (F9)."""
        self._read_bulk, self._last_bulk = self._read_bulk + size, self.loop.time()
        if self._read_bulk >= ACKNOWLEDGE:
            self.write(frame(CREDIT, 0, self._read_bulk.to_bytes(4, 'big')))
            self._read_bulk = 0

    def _credited(self, id: int, increment: int) -> None:
        if not id:
            self._window += increment
            if self._window > WINDOW:
                raise Breach('credit', 'more is acknowledged than was sent')
            return
        call = self._calls.get(id)
        if not call:
            self.stats['unknownIds'] += 1
            return
        if not call.items:
            raise Breach('stream', 'credit for a call without items')
        if not call.items.over:
            call.items.credit += increment
            if call.items.credit > MOST_CREDIT:
                raise Breach('credit', 'more credit than there can be')
            self.offer(call.items)

    def _grown(self, call: Call, more: bool) -> None:
        """A fragment has come; the next one has to come in time (F16)."""
        if call.growing:
            call.growing.cancel()
            call.growing = None
        if more and not call.over:
            call.growing = self.loop.call_later(self.limits['idleTimeoutMs'] / 1000, self._stopped, call)

    def _stopped(self, call: Call) -> None:
        waits_for_turn = self.loop.time() < self._last_bulk + self.limits['idleTimeoutMs'] / 1000
        if waits_for_turn or (call.stream and call.stream.credit < SMALL):
            return self._grown(call, True)
        self.abandon(call, NanowireError('unavailable', f'{call.method}: the server has stopped within a message', 'maybe'))

    def _tell(self, call: Call, metadata: dict[str, str]) -> None:
        try:
            if metadata and call.on_metadata:
                call.on_metadata(metadata)
        except Exception as error:  # of the application's function; no fault of the connection's
            self.loop.call_exception_handler({'message': f'{call.method}: on_metadata failed', 'exception': error})

    def _forget(self, call: Call) -> None:
        self._unfinished -= len(call.parts or b'')
        call.parts = None if call.parts is None else bytearray()

    def _failed(self, id: int, says: dict[str, Any]) -> None:
        """An ERROR, of a call or of the connection."""
        status, code = says['code'] in STATUSES, says['code']
        if not id:
            last = says.get('lastId')
            not_run = lambda call: not self.hello or (last is not None and (last == 0 or after(call.id, last)))  # noqa: E731
            return self._lose(code if status else 'unknown', says['message'], not_run, says.get('rule'))
        call = self._calls.pop(id, None)
        if not call:
            self.stats['unknownIds'] += 1
            return
        if self._unsent(call):
            self.write(frame(REQUEST, id))  # an empty last fragment: the server waits for it (P34)
        self._forget(call)
        if call.over:
            self.stats['lateReplies'] += 1
            return
        if says.get('rule') == 'contract' and call.contract and not call.flags & JUDGED and not call.items:
            call.contract.differs = True
            call.id = 0  # it surely did not run, and is sent again if it may be (S32)
            if self._state == 'draining':
                return call.end(NanowireError('unavailable', f'{call.method}: the connection is going away'))
            self._queue[call] = None
            return
        metadata = says.get('metadata', {})
        self._tell(call, metadata)
        declared = code[:1].isupper()
        call.end(NanowireError(
            code if status or declared else 'unknown', says['message'], 'yes' if declared else says.get('processed', 'maybe'),
            data=says.get('data') if declared else None, id=says.get('id'), rule=says.get('rule'), metadata=metadata))

    # Ending

    def _drain(self) -> None:
        """No call is begun any more; those that wait are not run (S20, S21)."""
        self._state = 'draining'
        self.going_away.set()
        for call in self._waiting():
            call.end(NanowireError('unavailable', f'{call.method}: the connection is going away'))
        self._queue.clear()

    def _waiting(self) -> list[Call]:
        return [*self._queue, *(call for known in self._contracts.values() for call in known.waiting)]

    def _settled(self, last: int) -> None:
        for call in [call for call in self._calls.values() if last == 0 or after(call.id, last)]:
            del self._calls[call.id]
            self._unsent(call)
            self._forget(call)
            call.end(NanowireError('unavailable', f'{call.method}: the server went away before it'))

    def _settle(self) -> None:
        if self._state == 'draining' and not self._sending and all(call.over for call in self._calls.values()):
            self._shut()

    def _lose(self, code: str, message: str, not_run: Callable[[Call], bool] = lambda call: False, rule: str | None = None) -> None:
        """Every call that is left ends, and this direction is closed (S25, S26)."""
        if self._state in ('closing', 'closed'):
            return
        if not self.ready.done():
            self.ready.set_exception(NanowireError(code, message, 'no', rule=rule))
        for call in [*self._waiting(), *(sending.call for sending in self._sending), *self._calls.values()]:
            processed = 'no' if not call.begun or not_run(call) else 'maybe'
            call.end(NanowireError(code, f'{call.method}: {message}', processed, rule=rule))
        for pinged in self._pinged.values():
            if not pinged.done():
                pinged.set_exception(NanowireError(code, message, 'maybe', rule=rule))
        self._queue.clear()
        self._sending.clear()
        self._calls.clear()
        self._shut()

    def _violated(self, breach: Breach) -> None:
        """Tells the server which rule it broke, and goes (P25)."""
        says = {'code': breach.code, 'message': breach.message, 'rule': breach.rule}
        self._transport.write(frame(ERROR, 0, pack(says)))
        self._lose(breach.code, breach.message, lambda call: breach.rule in ('not_nanowire', 'version'), breach.rule)

    def _shut(self) -> None:
        self._state = 'closing'
        self.going_away.set()
        if not self._transport.is_closing():
            self._transport.write_eof()
        self._after(self.limits['lingerMs'], self._transport.abort)

    # Time

    def _after(self, ms: int, then: Callable[..., None], *args: Any) -> None:
        self._timers.append(self.loop.call_later(ms / 1000, then, *args))

    def _late(self) -> None:
        if not self.hello and self._state == 'opening':
            self._violated(Breach('timeout', 'the server sent no HELLO in time'))

    def _watch(self) -> None:
        """A PING when the server is silent, and the end when it stays so (S14, S15)."""
        ask, give_up = (self._last_read + self.limits[name] / 1000 for name in ('pingAfterMs', 'idleTimeoutMs'))
        now = self.loop.time()
        if self._state in ('closing', 'closed'):
            return
        if now >= give_up:
            self._lose('unavailable', 'the server is silent')
            return self._transport.abort()
        if now >= ask and not self._asked:
            self._asked = True
            self._transport.write(frame(PING, 0, os.urandom(8)))
        self._timers = [timer for timer in self._timers if timer.when() > now]
        self._timers.append(self.loop.call_at(give_up if self._asked else ask, self._watch))
