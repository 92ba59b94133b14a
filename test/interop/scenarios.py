"""What the client does with a real server: `python3 scenarios.py <name> <address>`.

Each line of its output is JSON. The last is the result, which python.test.ts compares; asserts here end with 1.
"""

import asyncio
import json
import math
import os
import re
import sys
from datetime import datetime, timezone

import nanowire_frames as wire
from nanowire_calls import LIMITS
from nanowire_client import Client, NanowireError, connect
from nanowire_frames import Frames, frame, read_error, read_hello, write_hello
from nanowire_msgpack import BigInt, Timestamp


def say(value):
    print(json.dumps(value), flush=True)


async def heard():
    """A line from the test."""
    return (await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)).strip()


async def failure(awaitable):
    """How a call fails, as JSON."""
    try:
        return {'value': await awaitable}
    except NanowireError as error:
        fields = {'code': error.code, 'processed': error.processed, 'rule': error.rule}
        return {name: field for name, field in fields.items() if field is not None}


async def hello(address):
    one, two = await connect(address), await connect(address)
    assert one.hello.incarnation == two.hello.incarnation and len(one.hello.incarnation) == 16
    reply = await one.call('interop/hello', {'name': 'Ada'})
    await asyncio.gather(one.close(), two.close())
    return {'limits': one.hello.limits, 'features': one.hello.features, 'reply': reply}


async def types(address):
    client = await connect(address)
    whole = {
        'null': None, 'boolean': True, 'number': -0.0, 'integer': -2**31, 'bigint': BigInt(2**64 - 1), 'text': 'é\ufeff\0😀',
        'literal': 'on', 'choice': 3, 'bytes': bytes(range(256)), 'at': Timestamp(-1), 'list': [1, 2**53, -1], 'pair': ['x', 1.5],
        'record': {'toString': True, 'x\ny': False, '': True}, 'union': 'text', 'unknown': [None, {'deep': [b'', BigInt(5), 5]}],
    }
    values = [
        whole,
        whole | {'boolean': False, 'number': 1e308, 'integer': 2**32 - 1, 'bigint': BigInt(-2**63), 'text': 'x' * 70_000,
                 'bytes': b'', 'at': Timestamp(8_640_000_000_000_000), 'list': list(range(20)), 'record': {}, 'union': None,
                 'unknown': {str(n): n for n in range(20)}, 'optional': 7},
        whole | {'number': 0.1, 'bigint': BigInt(0), 'text': '', 'at': Timestamp(-8_640_000_000_000_000), 'list': [],
                 'union': {'kind': 'a', 'x': 1}, 'unknown': Timestamp(0)},
        whole | {'number': 5e-324, 'at': Timestamp(4_294_967_295_001), 'union': {'kind': 'b', 'y': 'z'}, 'unknown': 'x' * 300},
    ]
    for value in values:
        got = await client.call('interop/types', value)
        assert got == value, (got, value)
        assert math.copysign(1, got['number']) == math.copysign(1, value['number'])
        assert type(got['bigint']) is BigInt
    # other forms of the same values, and a property that nobody declared
    loose = whole | {'bigint': 5, 'integer': 7.0, 'list': [BigInt(9)], 'at': datetime(2000, 1, 1, tzinfo=timezone.utc), 'more': 1}
    got = await client.call('interop/types', loose)
    assert type(got['bigint']) is BigInt and got['bigint'] == 5 and got['list'] == [9] and 'more' not in got
    assert got['at'].datetime() == loose['at'] and type(got['integer']) is int
    assert await client.call('interop/nothing') is None
    await client.close()
    return len(values) + 2


async def notify(address):
    client = await connect(address)
    for line in range(100):
        await client.notify('interop/log', {'line': str(line)})
    await client.ping()
    await client.close()
    return 'sent'


async def errors(address):
    client = await connect(address)
    id_of = {}

    async def failed(what, call):
        try:
            return {'value': await call}
        except NanowireError as error:
            id_of[what] = error.id
            data = error.data and error.data['until'].datetime().isoformat()
            return {'code': error.code, 'processed': error.processed, 'data': data, 'message': error.message}

    got = {name: await failed(name, client.call(f'interop/{method}', request)) for name, method, request in (
        ('declared', 'hello', {'name': 'Mallory'}), ('accident', 'hello', {'name': 'Ghost'}), ('status', 'hello', {'name': 'Nobody'}),
        ('misfit', 'hello', {'name': 5}), ('badReply', 'hello', {'name': 'Liar'}), ('missing', 'nothere', None),
        ('oneWay', 'log', {'line': 'x'}))}
    assert re.fullmatch('[0-9a-f]{12}', id_of['accident']) and re.fullmatch('[0-9a-f]{12}', id_of['badReply'])
    assert 'secret' not in got['accident']['message']
    got['after'] = await client.call('interop/hello', {'name': 'Ada'})
    for name in ('accident', 'misfit', 'badReply', 'missing', 'oneWay'):
        del got[name]['message'], got[name]['data']
    await client.close()
    return got


async def cancel(address):
    client = await connect(address)
    task = asyncio.create_task(client.call('interop/wait', {'as': 'task'}))
    call = client.send('interop/wait', {'as': 'call'})
    await asyncio.gather(*(client.call('interop/started', {'as': name}) for name in ('task', 'call')))
    task.cancel()
    call.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    got = await failure(call.done)
    reasons = [await client.call('interop/ended', {'as': name}) for name in ('task', 'call')]
    await client.ping()
    assert client.stats == {'lateReplies': 2, 'unknownIds': 0}, client.stats
    await client.close()
    return {'call': got, 'reasons': reasons}


async def deadline(address):
    client = await connect(address)
    got = await failure(client.call('interop/wait', {'as': 'late'}, timeout_ms=50))
    reason = await client.call('interop/ended', {'as': 'late'})
    left = await client.call('interop/left', timeout_ms=60_000)
    without = await client.call('interop/left', timeout_ms=None)
    assert 0 < left <= 60_000, left
    await client.close()
    return {'call': got, 'reason': reason, 'without': without}


async def metadata(address):
    client, got = await connect(address), []
    reply = await client.call('interop/meta', {'fail': False}, metadata={'in': 'é', 'other': ''}, on_metadata=got.append)
    error = await failure(client.call('interop/meta', {'fail': True}, metadata={'in': 'x' * 8000}, on_metadata=got.append))
    large = await failure(client.call('interop/meta', {'fail': False}, metadata={'in': 'x' * 8192}))
    await client.close()
    return {'reply': reply, 'error': error, 'large': large, 'out': got}


async def many(address):
    client = await connect(address, first_id=2**32 - 100)
    got = await asyncio.gather(*(client.call('interop/hello', {'name': str(n)}) for n in range(3000)))
    assert got == [{'text': f'Hello, {n}'} for n in range(3000)]
    await client.close()
    return len(got)


async def early(address):
    """Requests behind the HELLO, without waiting for the server's (S2)."""
    client, host, port = Client(), *address.removeprefix('tcp://').split(':')
    calls = [client.send('interop/hello', {'name': str(n)}) for n in range(300)]
    await client.loop.create_connection(lambda: client, host, int(port))
    got = await asyncio.gather(*(call.done for call in calls))
    await client.close()
    return len(got)


async def large(address):
    client = await connect(address)
    body = os.urandom(4_194_304 - 5)  # with the header of its bytes just maxMessageBytes
    both = await asyncio.gather(client.call('interop/echo', body), client.call('interop/hello', {'name': 'Ada'}),
                                client.call('interop/echo', body[:65_536]), client.call('interop/echo', body[:65_523]))
    assert both == [body, {'text': 'Hello, Ada'}, body[:65_536], body[:65_523]]
    too_large = await failure(client.call('interop/echo', body + b'x'))
    wide = await connect(address, limits={'maxFrameBytes': 1_048_576})
    assert await wide.call('interop/echo', body) == body
    narrow = await connect(address, limits={'maxMessageBytes': 70_000})
    reply = await failure(narrow.call('interop/echo', body[:80_000]))
    assert await narrow.call('interop/echo', body[:69_000]) == body[:69_000]
    await asyncio.gather(client.close(), wide.close(), narrow.close())
    return {'request': too_large, 'reply': reply}


async def flood(address):
    """Many large calls at once: more than fit into what either end keeps of unfinished messages."""
    client = await connect(address)
    body = os.urandom(1_048_576)
    ends = (failure(client.call('interop/echo', body, timeout_ms=60_000)) for _ in range(40))
    got = await asyncio.gather(*ends)
    failed = [end for end in got if end != {'value': body}]
    ends = (failure(client.call('interop/zeros', {'bytes': 1_048_576}, timeout_ms=60_000)) for _ in range(60))
    failed += [end for end in await asyncio.gather(*ends) if end != {'value': bytes(1_048_576)}]
    await client.close()
    return failed


async def refused(address):
    """A request that the server refuses before it is whole, because the client disregards P16."""
    client = await connect(address)
    client.hello.limits['maxMessageBytes'] = 2**24
    got = await failure(client.call('interop/echo', bytes(5_000_000), timeout_ms=60_000))
    after = await client.call('interop/hello', {'name': 'Ada'})
    await client.close()
    return {'call': got, 'after': after}


async def half(address):
    """A large request that is cancelled when half of it was sent."""
    client = await connect(address)
    writes = client._transport.write
    call = client.send('interop/hello', {'name': 'Ada'})
    await call.done
    client._transport.write = lambda data: (writes(data), client.pause_writing())  # the system takes one fragment
    call = client.send('interop/echo', bytes(200_000))
    client._transport.write = writes
    call.cancel()
    client.resume_writing()
    got = await failure(call.done)
    after = await client.call('interop/hello', {'name': 'Ada'})
    assert client.stats == {'lateReplies': 1, 'unknownIds': 0}, client.stats
    await client.close()
    return {'call': got, 'after': after}


async def drain(address):
    client = await connect(address)
    waits = client.send('interop/wait', {'as': 'drain'})
    await client.call('interop/started', {'as': 'drain'})
    say('waiting')
    await client.going_away.wait()
    new = await failure(client.call('interop/hello', {'name': 'Ada'})) if client._state == 'draining' else 'closed'
    say('draining')
    reply = await waits.done
    await client.closed
    return {'new': new, 'reply': reply}


async def identity(address):
    one = await connect(address, credentials='ada')
    two = await connect(address, credentials={'user': 'eve', 'key': '1'})
    got = {'names': [await client.call('interop/whoami') for client in (one, two)]}
    one.authenticate({'user': 'bob', 'key': '2'})
    got['renewed'] = await one.call('interop/whoami')
    got['wrong'] = await failure(connect(address, credentials='mallory'))
    got['none'] = await failure(connect(address))
    early, host, port = Client(credentials='mallory'), *address.removeprefix('tcp://').split(':')
    call = early.send('interop/whoami')
    await early.loop.create_connection(lambda: early, host, int(port))
    got['early'] = await failure(call.done)
    waits = two.send('interop/wait', {'as': 'two'})
    await two.call('interop/started', {'as': 'two'})
    two.authenticate('mallory')
    got['afterwards'] = await asyncio.gather(failure(waits.done), failure(two.call('interop/whoami')))
    got['cancelled'] = await one.call('interop/ended', {'as': 'two'})
    await asyncio.gather(one.close(), two.closed, early.closed)
    return got


async def nobody(address):
    return await failure(connect(address))


# --- By hand, without the client -------------------------------------------------------------------------------------

async def by_hand(address, *chunks):
    """All frames that come for these bytes, until the server closes."""
    reader, writer = await asyncio.open_connection(*address.removeprefix('tcp://').split(':'))
    for chunk in chunks:
        writer.write(chunk)
    frames = list(Frames(65_536, 65_536).feed(await reader.read()))
    writer.close()
    return frames


async def second_hello(address):
    hello = frame(wire.HELLO, 0, write_hello(LIMITS))
    first, error = await by_hand(address, hello + hello)
    read_hello(first.body)
    return read_error(error.body) | {'id': error.id}


async def http(address):
    error, = await by_hand(address, b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    return read_error(error.body) | {'id': error.id}


async def version(address):
    error, = await by_hand(address, frame(wire.HELLO, 0, b'NWIR\x02\xc1'))
    return read_error(error.body) | {'id': error.id}


def run(scenarios):
    """Plays the one of these functions that the command line names."""
    async def main(name, *arguments):
        # A busy machine is slow: -X dev may not complain of it, and what is no scenario's subject may take its time.
        asyncio.get_running_loop().slow_callback_duration = math.inf
        LIMITS.update(callTimeoutMs=600_000, handshakeTimeoutMs=600_000)
        say({'result': await scenarios[name](*arguments)})
    asyncio.run(main(*sys.argv[1:]))


if __name__ == '__main__':
    run(globals())
