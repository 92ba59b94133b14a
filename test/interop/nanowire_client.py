"""A client of the Nanowire protocol, version 1, for Python 3.11 or later and its standard library alone.

    client = await connect('tcp://127.0.0.1:7000')
    print(await client.call('greeter/hello', {'name': 'Ada'}, timeout_ms=200))
    await client.close()

It was written from the documents in spec/ alone; names such as P22, S10 or M4 are the rules there. It has no schemas:
what it sends is judged by the server, and what it receives is strict MessagePack of any form.
"""

from __future__ import annotations

import asyncio
import math
import os
import struct
from collections import OrderedDict, deque
from typing import Any, Callable, Iterable
from urllib.parse import urlsplit

from nanowire_contract import Contract, judge
from nanowire_frames import (AUTH, CANCEL, ERROR, FINAL, GOAWAY, HASH, HELLO, JUDGED, METADATA, MORE, ONE_WAY, PING, PONG, REQUEST,
                             RESPONSE, Breach, Frame, Frames, Hello, after, frame, is_texts, read_error, read_hello,
                             read_metadata, tag_of, write_hello)
from nanowire_msgpack import Unreadable, pack, unpack

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

    def __init__(self, client: Client, method: str, body: bytes, deadline: float, one_way: bool,
                 on_metadata: Callable[[dict[str, str]], None] | None):
        self.client, self.method, self.body, self.one_way, self.on_metadata = client, method, body, one_way, on_metadata
        self.id = self.tag = self.flags = 0
        self.said = b''  # its metadata
        self.contract: Known | None = None
        self.deadline = deadline
        self.over = False  # nobody waits for it any more
        self.parts: bytearray | None = None  # of a reply in fragments
        self.metadata: dict[str, str] = {}
        self.done = client.loop.create_future()
        self.timer = None if deadline == math.inf else client.loop.call_at(deadline, client._leave, self, 'deadline_exceeded')

    @property
    def begun(self) -> bool:
        return self.id != 0

    def cancel(self) -> None:
        self.client._leave(self, 'cancelled')

    def end(self, error: NanowireError | None, value: Any = None) -> None:
        if self.over:
            return
        self.over = True
        if self.timer:
            self.timer.cancel()
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(value)


class Known:
    """One contract of this client, and what one server has said of it."""

    def __init__(self, contract: Contract):
        self.contract, self.hash_sent, self.differs = contract, False, False
        self.verdicts: dict[str, str] | None = None  # what is wrong with each method that breaks
        self.asking: asyncio.Task[None] | None = None
        self.waiting: OrderedDict[Call, None] = OrderedDict()


class Client(asyncio.Protocol):
    """One connection to a server, from its HELLO to its end. It is made by `connect`, and never repaired (S28)."""

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
        self._sending: deque[tuple[Call, int, memoryview]] = deque()  # what is left of requests that were begun
        self._calls: dict[int, Call] = {}  # by id, until the server has answered (S5)
        self._pinged: dict[bytes, asyncio.Future[None]] = {}
        self._unfinished = 0  # bytes of replies that are not whole
        self._paused, self._pongs = False, deque(maxlen=8)
        self._timers: list[asyncio.TimerHandle] = []
        self._last_read, self._asked = 0.0, False

    # What an application calls

    async def call(self, method: str, request: Any = None, **options: Any) -> Any:
        """The reply, or a NanowireError. Cancelling the task cancels the call at the server.

        Options are `timeout_ms` (None: no deadline), `metadata`, and `on_metadata`, which is called with the reply's.
        """
        call = self.send(method, request, **options)
        try:
            return await call.done
        except asyncio.CancelledError:
            call.cancel()
            raise

    async def notify(self, method: str, request: Any = None, **options: Any) -> None:
        """Sends a request that nobody answers, and returns when it was taken for sending (E19)."""
        await self.call(method, request, one_way=True, **options)

    def send(self, method: str, request: Any = None, *, timeout_ms: int | None = LIMITS['callTimeoutMs'], one_way: bool = False,
             metadata: dict[str, str] | None = None, on_metadata: Callable[[dict[str, str]], None] | None = None,
             tag: int | None = None) -> Call:
        """Begins a call, or lets it wait for its turn."""
        limits = self.hello.limits if self.hello else self.limits
        try:
            body = pack(request, limits['maxDepth'], limits['maxNodes'])
            said = pack(metadata) if metadata else b''
        except ValueError as error:
            raise NanowireError('invalid_argument', f'{method}: {error}') from error
        if metadata and not is_texts(metadata):
            raise NanowireError('invalid_argument', f'{method}: metadata are texts')
        if timeout_ms is not None and not 1 <= timeout_ms <= 2**31 - 1:
            raise NanowireError('invalid_argument', f'{method}: timeout_ms is from 1 to 2,147,483,647')
        if len(said) > self.limits['maxMetadataBytes']:
            raise NanowireError('resource_exhausted', f'{method}: metadata have more than maxMetadataBytes')
        if self._state not in ('opening', 'open'):
            raise NanowireError('unavailable', f'{method}: the connection is {self._state}')
        if len(self._queue) >= self.limits['maxCallsQueued']:
            raise NanowireError('resource_exhausted', f'{method}: maxCallsQueued calls wait already')
        deadline = math.inf if timeout_ms is None else self.loop.time() + timeout_ms / 1000
        call = Call(self, method, body, deadline, one_way, on_metadata)
        call.contract = self._contracts.get(method.partition('/')[0])
        call.tag = tag or (call.contract.contract.tag(method) if call.contract else tag_of(method))
        call.flags = one_way * ONE_WAY | bool(said) * METADATA
        call.said = len(said).to_bytes(2, 'big') + said if said else b''
        self._queue[call] = None
        self._pump()
        return call

    def authenticate(self, credentials: Any) -> None:
        """New credentials for the requests that are sent from now on (P38)."""
        if not self.hello or self._state not in ('open', 'draining'):
            raise NanowireError('unavailable', f'the connection is {self._state}')
        self._transport.write(frame(AUTH, 0, pack(credentials)))

    async def ping(self) -> None:
        """Returns when the server has seen all that was sent before (P27)."""
        if self._state not in ('open', 'draining'):
            raise NanowireError('unavailable', f'the connection is {self._state}')
        body, answered = os.urandom(8), self.loop.create_future()
        self._pinged[body] = answered
        self._transport.write(frame(PING, 0, body))
        await answered

    async def close(self, drain_ms: int = 5000) -> None:
        """No new calls; those in flight may end within `drain_ms` (S21, S22)."""
        if self._state == 'opening':
            self._lose('unavailable', 'closed before the HELLO')
        elif self._state == 'open':
            self._drain()
            self._after(drain_ms, self._lose, 'unavailable', 'the time for draining is over')
        self._settle()
        await asyncio.shield(self.closed)

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
            elif not self._sending:
                break
            if self._sending:
                self._write(*self._sending.popleft())
        self._settle()

    def _room(self, call: Call) -> bool:
        if not self.hello:
            return self._requests < 128  # S2
        if len(self._sending) >= SENDING_AT_ONCE and len(call.body) > 32_768:
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
        if known and not known.hash_sent:
            flags, hash, known.hash_sent = flags | HASH, known.contract.hash, True  # P18
        self._sending.append((call, flags, memoryview(struct.pack('>II', call.tag, left) + hash + call.said + call.body)))

    def _write(self, call: Call, flags: int, rest: memoryview) -> None:
        most = min(self.limits['maxFrameBytes'], self.hello.limits['maxFrameBytes']) if self.hello else 65_536
        more = len(rest) > most
        self._transport.write(frame(REQUEST, call.id, bytes(rest[:most]), flags | more * MORE))
        if more:
            self._sending.append((call, 0, rest[most:]))  # further fragments have no flags (P32)
        elif call.one_way:
            call.end(None)

    def _unsent(self, call: Call) -> bool:
        """Forgets what is left to send of a call, and says whether there was any."""
        before = len(self._sending)
        self._sending = deque(item for item in self._sending if item[0] is not call)
        return len(self._sending) < before

    def _leave(self, call: Call, code: str) -> None:
        """The caller goes away, or its time is up (S10, E4)."""
        if call.over:
            return
        call.end(NanowireError(code, f'{call.method}: the call was {code}', 'maybe' if call.begun else 'no'))
        self._queue.pop(call, None)
        if call.contract:
            call.contract.waiting.pop(call, None)
        self._forget(call)
        if self._unsent(call) or (code == 'cancelled' and call.id in self._calls):
            self._transport.write(frame(CANCEL, call.id))
        self._pump()

    # Contracts that differ

    def _fits(self, call: Call) -> bool:
        """Whether a call may be sent, by what is known of the server's contracts (S31 to S33)."""
        known, theirs = call.contract, self.hello and self.hello.contracts
        if not known:
            return True
        if theirs is not None:
            if known.contract.name not in theirs:
                call.end(NanowireError('unimplemented', f'{call.method}: the server has no contract {known.contract.name}'))
                return False
            known.differs = known.differs or theirs[known.contract.name] != known.contract.hash
        if not known.differs:
            return True
        if known.verdicts is None and theirs and 'nanowire' in theirs:
            known.waiting[call] = None
            if not known.asking:
                known.asking = self.loop.create_task(self._ask(known))
            return False
        problem = (known.verdicts or {}).get(call.method.partition('/')[2])
        if problem:
            call.end(NanowireError('failed_precondition', f'{call.method}: the contracts differ: {problem}', rule='contract'))
            return False
        call.flags |= JUDGED
        return True

    async def _ask(self, known: Known) -> None:
        """What the server's contract is, by reflection; where it refuses to tell, validation judges each call."""
        try:
            known.verdicts = judge(known.contract, Contract(await self.call('nanowire/describe', {'contract': known.contract.name})))
        except NanowireError:
            known.verdicts = {}
        for call in [call for call in reversed(known.waiting) if not call.over]:
            self._queue[call] = None
            self._queue.move_to_end(call, last=False)
        known.waiting.clear()
        self._pump()

    # Reading

    def _read(self, got: Frame) -> None:
        if not self.hello:
            if got.kind == HELLO:
                return self._greeted(read_hello(got.body))
            if got.id:
                raise Breach('frame_order', 'an ERROR of a call before the HELLO')
        if got.kind == RESPONSE:
            self._replied(got)
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
        body = got.body
        if call.parts is None:
            call.parts, at = bytearray(), 0
            if got.flags & METADATA:
                call.metadata, at = read_metadata(body, 0, self.limits['maxMetadataBytes'])
            body = body[at:]
        elif got.flags & ~MORE:
            raise Breach('fragment', f'flags {got.flags}')
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
            self._transport.write(frame(REQUEST, id))  # an empty last fragment: the server waits for it (P34)
        self._forget(call)
        if call.over:
            self.stats['lateReplies'] += 1
            return
        if says.get('rule') == 'contract' and call.contract and not call.flags & JUDGED:
            call.contract.differs = True
            call.id = 0  # it surely did not run, and is sent again if it may be (S32)
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
        for call in [*self._waiting(), *(call for call, _, _ in self._sending), *self._calls.values()]:
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


async def connect(address: str, *, credentials: Any = None, limits: dict[str, int] | None = None,
                  contracts: Iterable[Contract] = (), first_id: int = 1) -> Client:
    """A connection whose server has said HELLO. The address is `tcp://host:port` or `unix:/path/of/socket`."""
    client = Client(limits, credentials, contracts, first_id)
    url = urlsplit(address)
    try:
        async with asyncio.timeout(client.limits['handshakeTimeoutMs'] / 1000):
            if url.scheme == 'tcp' and url.hostname and url.port:
                await client.loop.create_connection(lambda: client, url.hostname, url.port)
            elif url.scheme == 'unix' and url.path:
                await client.loop.create_unix_connection(lambda: client, url.path)
            else:
                raise NanowireError('invalid_argument', f'{address} is no address such as tcp://127.0.0.1:7000')
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise NanowireError('unavailable', f'{address}: {error}') from error
    await client.ready
    return client
