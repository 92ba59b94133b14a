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
from typing import Any, AsyncIterable, Callable, Iterable
from urllib.parse import urlsplit

from nanowire_calls import LIMITS, Call, Known, NanowireError
from nanowire_contract import Contract, judge
from nanowire_frames import AUTH, INPUT, JUDGED, METADATA, ONE_WAY, OUTPUT, PING, frame, is_texts, tag_of
from nanowire_msgpack import pack
from nanowire_session import Session
from nanowire_streams import Items, Stream

__all__ = ['Client', 'Contract', 'NanowireError', 'connect']


class Client(Session):
    """One connection to a server. It is made by `connect`, and never repaired (S28)."""

    async def call(self, method: str, request: Any = None, **options: Any) -> Any:
        """The reply, or a NanowireError. Cancelling the task cancels the call at the server.

        Options are `timeout_ms` (None: no deadline), `metadata`, and `on_metadata`, which is called with the reply's, and
        `priority`, 0 to 2 (F17). A method that takes a stream gets `items`, any iterable, also an asynchronous one, instead of a request.
        """
        call = self.send(method, request, **options)
        try:
            return await call.done
        except asyncio.CancelledError:
            call.cancel()
            raise

    def stream(self, method: str, request: Any = None, **options: Any) -> Stream:
        """The items of a method that answers with them, or an event's; options are those of `call`.

            async for item in client.stream('clock/ticks', {'count': 3}): ...
        """
        stream = self.send(method, request, output=True, **options).stream
        assert stream
        return stream

    async def notify(self, method: str, request: Any = None, **options: Any) -> None:
        """Sends a request that nobody answers, and returns when it was taken for sending (E19)."""
        await self.call(method, request, one_way=True, **options)

    def send(self, method: str, request: Any = None, *, timeout_ms: int | None = 0, one_way: bool = False,
             items: AsyncIterable[Any] | Iterable[Any] | None = None, output: bool = False, priority: int | None = None,
             metadata: dict[str, str] | None = None, on_metadata: Callable[[dict[str, str]], None] | None = None,
             tag: int | None = None) -> Call:
        """Begins a call, or lets it wait for its turn. A `timeout_ms` of 0 is the usual one: that of the limits, of streams none."""
        if timeout_ms == 0:
            timeout_ms = None if output or items is not None else self.limits['callTimeoutMs']
        limits = self.hello.limits if self.hello else self.limits
        try:
            body = b'' if items is not None else pack(request, limits['maxDepth'], limits['maxNodes'])
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
        if len(self._queue) + sum(len(known.waiting) for known in self._contracts.values()) >= self.limits['maxCallsQueued']:
            raise NanowireError('resource_exhausted', f'{method}: maxCallsQueued calls wait already')
        known = self._contracts.get(method.partition('/')[0])
        if known and method.partition('/')[2] not in known.contract.methods:
            raise NanowireError('invalid_argument', f'{method}: the contract has no such method')
        deadline = math.inf if timeout_ms is None else self.loop.time() + timeout_ms / 1000
        call = Call(self, method, body, deadline, one_way, on_metadata)
        call.contract, call.tag = known, tag or (known.contract.tag(method) if known else tag_of(method))
        call.flags = one_way * ONE_WAY | bool(said) * METADATA | (items is not None) * INPUT | output * OUTPUT
        call.priority = priority
        call.items = None if items is None else Items(self, call, items)
        call.stream = Stream(self, call) if output else None
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

    async def learn(self, name: str) -> Contract:
        """A contract by the server's reflection (K7). Calls to it carry its hash and its tags from now on."""
        try:
            contract = Contract(await self.call('nanowire/describe', {'contract': name}))
        except ValueError as error:
            raise NanowireError('internal', f'the description of {name} cannot be read: {error}', 'yes') from error
        self._contracts[name] = Known(contract)
        return contract

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
        except (NanowireError, ValueError):
            known.verdicts = {}
        for call in [call for call in reversed(known.waiting) if not call.over]:
            self._queue[call] = None
            self._queue.move_to_end(call, last=False)
        known.waiting.clear()
        self._pump()


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
