"""Streams of items with a real server, both ways: `python3 streams.py <name> <address>`, as scenarios.py."""

import asyncio
import io
import os
import random
import struct

import nanowire_frames as wire
from nanowire_calls import LIMITS
from nanowire_client import NanowireError, connect
from nanowire_frames import Frames, frame, write_hello
from nanowire_msgpack import pack
from nanowire_streams import ACKNOWLEDGE, FIRST_CREDIT, SMALL, WINDOW
from scenarios import failure, run


async def all_of(stream):
    return [item async for item in stream]


async def taken(stream, items):
    """Adds to them what it says, up to its end."""
    async for item in stream:
        items.append(item)


async def counted(items):
    """An asynchronous iterable of them, each in a turn of its own."""
    for item in items:
        await asyncio.sleep(0)
        yield item


async def from_server(address):
    client, metadata = await connect(address), []
    got = await all_of(client.stream('interop/count', {'to': 20_000}, on_metadata=metadata.append))
    assert got == list(range(1, 20_001))
    assert await all_of(client.stream('interop/count', {'to': 0})) == []
    for items, size in ((3, 1_000_000), (40, 20_000), (5, FIRST_CREDIT - 3), (5, FIRST_CREDIT), (2000, 300), (10, 0)):
        got = await all_of(client.stream('interop/blobs', {'items': items, 'bytes': size}))
        assert got == [bytes([n % 256]) * size for n in range(items)], (items, size)
    await client.close()
    return metadata


async def to_server(address):
    client = await connect(address)
    got = [await client.call('interop/total', items=items) for items in (range(30_000), counted(range(500)), [])]
    early = [await client.call('interop/first', items=items) for items in (range(7, 100_000), counted(range(9, 20)), [])]
    await client.close()
    return {'totals': got, 'early': early}


async def both_ways(address):
    client = await connect(address)
    blobs = [os.urandom(size) for size in (0, 1, 16_379, 16_380, 16_384, 16_385, 65_536, 300_000, 5, 1_000_000, 3)]
    small = [os.urandom(n % 50) for n in range(3000)]
    for items in (blobs, counted(blobs), small, counted(small)):
        got = await all_of(client.stream('interop/echoes', items=items))
        assert got == (blobs if len(got) == len(blobs) else small)
    many = [all_of(client.stream('interop/echoes', items=small[n:n + 100])) for n in range(0, 3000, 100)]
    assert sum(await asyncio.gather(*many), []) == small
    await client.close()
    return 4 + len(many)


async def errors(address):
    client, got = await connect(address), {}

    async def failed(name, stream):
        items = []
        got[name] = await failure(taken(stream, items)) | {'items': len(items)}

    async def broken():
        yield 1
        raise RuntimeError('mine')

    await failed('declared', client.stream('interop/count', {'to': 100, 'fail': True}))
    await failed('misfit', client.stream('interop/count', {'to': 'x'}))
    await failed('missing', client.stream('interop/nothere', {}))
    await failed('no stream', client.stream('interop/hello', {'name': 'Ada'}))
    await failed('no items', client.stream('interop/echoes', b'x'))
    got['a stream'] = await failure(client.call('interop/count', {'to': 1}))
    got['an item that does not fit'] = await failure(client.call('interop/total', items=[1, 2, 'x', 3]))
    got['an item that cannot travel'] = await failure(client.call('interop/total', items=[1, object()]))
    got['an item that is too large'] = await failure(client.call('interop/total', items=[1, bytes(5_000_000)]))
    try:
        await client.call('interop/total', items=broken())
    except RuntimeError as error:
        got['a source that fails'] = str(error)
    got['after'] = await client.call('interop/total', items=[1, 2])
    await client.close()
    return got


async def leaving(address):
    client, reasons = await connect(address), []
    async with client.stream('interop/watch', {'as': 'left'}) as stream:
        async for _ in stream:
            break
    reasons.append(await client.call('interop/ended', {'as': 'left'}))
    for ms in (50, 500, 5_000):  # a handler that did not begin in time hears nothing
        name, items = f'late {ms}', []
        late = await failure(taken(client.stream('interop/watch', {'as': name}, timeout_ms=ms), items))
        if items:
            break
    reasons += [late, await client.call('interop/ended', {'as': name})]
    big = client.stream('interop/blobs', {'items': 10_000, 'bytes': 10_000})
    async for _ in big:
        break
    big.cancel()
    reasons.append(await failure(all_of(big)))
    task = asyncio.create_task(client.call('interop/total', items=counted(range(10**9))))
    await asyncio.sleep(0.02)
    task.cancel()
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    await client.ping()
    assert await all_of(client.stream('interop/count', {'to': 5})) == [1, 2, 3, 4, 5]
    await client.close()
    return reasons


async def slow(address):
    """A receiver that does not keep up, of a sender that leaves items out."""
    client = await connect(address)
    stream, numbers, items = client.stream('interop/rush', {'items': 100_000}), [], []
    await client.call('interop/ended', {'as': 'rush'})  # and none was taken
    async for item in stream:
        items.append(item)
        numbers.append(stream.number)
    assert items == numbers, [(item, number) for item, number in zip(items, numbers) if item != number][:5]
    await client.close()
    return {'last': items[-1], 'some were left out': len(items) < 100_000}


async def events(address):
    client = await connect(address)
    every, ada = client.stream('interop/shouted', {}), client.stream('interop/shouted', {'to': 'Ada'})
    await asyncio.gather(every.begun, ada.begun)
    for n in range(1000):
        await client.call('interop/shout', {'to': 'Ada' if n % 2 else 'Bob', 'line': str(n)})
    got = []
    for stream, count in ((every, 1000), (ada, 500)):
        lines = [(await anext(stream))['line'] for _ in range(count)]
        got.append([len(lines), lines[:3], stream.number])
    wrong = client.stream('interop/shouted', {'too': 'Ada'})
    got.append(await failure(all_of(wrong)))
    ada.cancel()
    await client.close(drain_ms=50)
    got.append((await failure(all_of(every)))['code'])
    return got


async def beside(address):
    """Small calls, beside large ones and streams."""
    client = await connect(address)
    body = os.urandom(3_000_000)
    large = [asyncio.create_task(client.call('interop/echo', body, timeout_ms=60_000)) for _ in range(4)]
    streams = [asyncio.create_task(all_of(client.stream('interop/blobs', {'items': 30, 'bytes': 100_000}))) for _ in range(4)]
    calls = 0
    while not all(task.done() for task in large + streams):
        assert await client.call('interop/hello', {'name': 'Ada'}) == {'text': 'Hello, Ada'}
        calls += 1
    assert [await task for task in large] == [body] * 4
    assert [len(await task) for task in streams] == [30] * 4
    await client.close()
    return calls > 10


class ByHand:
    """A connection without the client, which acknowledges nothing by itself."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.frames, self.seen, self.bulk, self.begun = Frames(65_536, 65_536), [], 0, set()
        self.send(wire.HELLO, 0, write_hello(LIMITS))

    def send(self, kind, id, body=b'', flags=0):
        self.writer.write(frame(kind, id, body, flags))

    def request(self, id, method, request, flags=0):
        self.send(wire.REQUEST, id, struct.pack('>II', wire.tag_of(method), 0) + request, flags)

    def credit(self, id, increment):
        self.send(wire.CREDIT, id, struct.pack('>I', increment))

    def together(self, act):
        """Sends what `act` sends in one piece, so that nothing can happen at the server in between."""
        writer, self.writer = self.writer, io.BytesIO()
        act(self)
        writer.write(self.writer.getvalue())
        self.writer = writer

    async def quiet(self):
        """Returns when the server has nothing to say any more: bulk that was read since, and the frames that are none."""
        before, self.seen = self.bulk, []
        for ping in range(40):
            self.send(wire.PING, 0, struct.pack('>Q', ping))
            while not any(got.kind == wire.PONG and got.body == struct.pack('>Q', ping) for got in self.seen):
                data = await self.reader.read(65_536)
                if not data:
                    return self.bulk - before, self.seen
                for got in self.frames.feed(data):
                    self.read(got)
        return self.bulk - before, [got for got in self.seen if got.kind != wire.PONG]

    def read(self, got):
        is_bulk = got.kind == wire.DATA or (got.kind == wire.RESPONSE and got.id in self.begun)
        self.bulk += len(got.body) * is_bulk
        if got.kind == wire.RESPONSE and got.flags & wire.MORE:
            self.begun.add(got.id)
        if not is_bulk:
            self.seen.append(got)


async def by_hand(address):
    return ByHand(*await asyncio.open_connection(*address.removeprefix('tcp://').split(':')))


async def starving(address):
    """What a server sends to a client that gives no credit, for a stream and for the connection, and then some."""
    link = await by_hand(address)
    link.request(1, 'interop/blobs', pack({'items': 20, 'bytes': 1000}), wire.OUTPUT)
    got = {'stream': (await link.quiet())[0]}
    link.credit(1, 3000)
    got['more'] = (await link.quiet())[0]
    link.request(2, 'interop/zeros', pack({'bytes': 200_000}))
    left = WINDOW - got['stream'] - got['more']
    got['connection'] = left - SMALL < (await link.quiet())[0] <= left
    link.request(3, 'interop/hello', pack({'name': 'Ada'}))
    got['small'] = [(reply.kind, reply.id) for reply in (await link.quiet())[1]]
    link.credit(0, link.bulk)
    link.credit(1, 10_000)
    bulk, seen = await link.quiet()
    while bulk:
        link.credit(0, bulk)
        bulk, more = await link.quiet()
        seen += more
    link.writer.close()
    return got | {'ends': [(end.kind, end.id) for end in seen], 'bulk': link.bulk}


async def rude(address):
    """How a server takes its leave of a client that does not keep to the rules."""
    got, item = {}, b'\xc4\0'
    for name, acts in {
        'more than there is credit for': lambda link: [link.send(wire.DATA, 1, item * 4097), link.send(wire.DATA, 1, item * 4097)],
        'items behind the END': lambda link: [link.send(wire.END, 1), link.send(wire.DATA, 1, item)],
        'two ENDs': lambda link: [link.send(wire.END, 1), link.send(wire.END, 1)],
        'items for a call without': lambda link: [link.request(2, 'interop/wait', pack({'as': 'x'})), link.send(wire.DATA, 2, item)],
        'a gap that is cut': lambda link: [link.send(wire.DATA, 1, b'\0\0\0', wire.GAP)],
        'an END with a body': lambda link: [link.send(wire.END, 1, b'\xc0')],
        'an END within an item': lambda link: [link.send(wire.DATA, 1, b'\xc4', wire.MORE), link.send(wire.END, 1)],
        'a further fragment with GAP': lambda link: [link.send(wire.DATA, 1, b'\xc4', flags) for flags in (wire.MORE, wire.GAP)],
        'nothing for ever': lambda link: [link.send(wire.DATA, 1) for _ in range(1025)],
        'crumbs': lambda link: [link.send(wire.DATA, 1, part, wire.MORE) for part in (b'\xc5\x3f\0', *[b'x'] * 1100)],
        'credit of nothing': lambda link: [link.credit(1, 0)],
        'credit without end': lambda link: [link.credit(1, 2**31 - 1), link.credit(1, 2**31 - 1)],
        'acknowledgement of nothing': lambda link: [link.credit(0, 1)],
        'credit for a call without items': lambda link: [link.request(2, 'interop/wait', pack({'as': 'y'})), link.credit(2, 1)],
        'a body beside INPUT': lambda link: [link.request(2, 'interop/echoes', b'\xc0', wire.INPUT | wire.OUTPUT)],
        'a notify with items': lambda link: [link.request(2, 'interop/echoes', b'', wire.INPUT | wire.ONE_WAY)],
        'a priority of 3': lambda link: [link.send(wire.PRIORITY, 1, b'\3', wire.IGNORE)],
    }.items():
        link = await by_hand(address)
        link.request(1, 'interop/echoes', b'', wire.INPUT | wire.OUTPUT)
        link.send(wire.PRIORITY, 1, b'\2', wire.IGNORE)
        link.together(acts)
        _, seen = await link.quiet()
        got[name] = [wire.read_error(error.body).get('rule') for error in seen if error.kind == wire.ERROR and error.id == 0]
        link.writer.close()
    return got


SIZES = (0, 1, 300, 16_379, 16_384, 50_000)


class Mixture:
    """Calls of all kinds by chance on one connection, some of them left early; each is compared with what it should say."""

    def __init__(self, client, chance):
        self.client, self.chance = client, chance

    async def play(self, calls):
        slots = asyncio.Semaphore(self.chance.choice([1, 4, 20]))

        async def one():
            async with slots:
                kinds = [self.echo, self.echoes, self.blobs, self.total, self.first, self.misfit, self.event, self.late]
                await self.chance.choice(kinds)()
        await asyncio.gather(*(one() for _ in range(calls)))
        for _ in range(6_000):  # what was cancelled is answered too
            if not self.client._calls:
                break
            await asyncio.sleep(0.01)
        state = {id: (call.method, str(call.done)) for id, call in self.client._calls.items()}
        assert not state and not self.client._sending and not self.client._unfinished, state
        assert self.client._window > WINDOW - ACKNOWLEDGE, self.client._window

    async def take(self, stream, expected):
        """All items of it, or some, now and then slowly."""
        some = self.chance.randrange(1, 10) if self.chance.random() < 0.3 else len(expected) + 1
        got = []
        async with stream:
            async for item in stream:
                got.append(item)
                if len(got) == some:
                    break
                if self.chance.random() < 0.05:
                    await asyncio.sleep(self.chance.random() * 0.01)
        assert got == expected[:some], (len(got), len(expected))

    def items(self):
        return [os.urandom(self.chance.choice(SIZES)) for _ in range(self.chance.randrange(20))]

    async def echo(self):
        body = os.urandom(self.chance.choice((*SIZES, 400_000)))
        call = self.client.send('interop/echo', body, timeout_ms=60_000)
        if self.chance.random() < 0.3:
            await asyncio.sleep(self.chance.random() * 0.01)
            call.cancel()
        got = await failure(call.done)
        assert got.get('code') == 'cancelled' or got == {'value': body}, got.get('code')

    async def echoes(self):
        items = self.items()
        await self.take(self.client.stream('interop/echoes', items=self.chance.choice([list, counted])(items)), items)

    async def blobs(self):
        count, size = self.chance.randrange(20), self.chance.choice((*SIZES, 200_000))
        stream = self.client.stream('interop/blobs', {'items': count, 'bytes': size})
        await self.take(stream, [bytes([n]) * size for n in range(count)])

    async def total(self):
        count = self.chance.choice([0, 1, 5000])
        assert await self.client.call('interop/total', items=range(count)) == {'items': count, 'total': sum(range(count))}

    async def first(self):
        assert await self.client.call('interop/first', items=range(1, 10_000)) == 1

    async def misfit(self):
        got = await failure(self.client.call('interop/total', items=[1, 'x'] * self.chance.randrange(1, 5)))
        assert got == {'code': 'invalid_argument', 'processed': 'yes'}, got

    async def late(self):
        stream, count = self.client.stream('interop/count', {'to': 20_000}, timeout_ms=self.chance.randrange(1, 20)), 0
        try:
            async for item in stream:
                count += 1
                assert item == count, (item, count)
            assert count == 20_000, count
        except NanowireError as error:
            assert error.code == 'deadline_exceeded', error

    async def event(self):
        async with self.client.stream('interop/shouted', {'to': 'nobody'}) as stream:
            await stream.begun
            await asyncio.sleep(self.chance.random() * 0.01)


async def mixture(address, seed, connections):
    chance = random.Random(int(seed))
    for _ in range(int(connections)):
        client = await connect(address)
        await Mixture(client, chance).play(60)
        await client.close()
    return 'as they should be'


if __name__ == '__main__':
    run(globals())
