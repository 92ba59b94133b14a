"""Contracts that this client has: their hashes, by itself and by reflection, and calls where they differ.

`python3 contracts.py <name> <address>`, and `python3 contracts.py judged` with pairs of descriptions on its input.
"""

import asyncio
import copy
import json
import struct
import sys

import nanowire_frames as wire
from nanowire_calls import LIMITS
from nanowire_client import Client, Contract, connect
from nanowire_contract import judge
from nanowire_frames import Frames, frame, read_error, read_hello, tag_of, write_hello
from nanowire_msgpack import pack, unpack
from scenarios import failure, run

# The contract of service.ts, as somebody would write it who has its documentation and no TypeScript.
TEXT, NULL, BOOLEAN, INTEGER, NUMBER = ({'type': name} for name in ('string', 'null', 'boolean', 'integer', 'number'))
BYTES, INSTANT, VOID = {'x-nanowire': 'bytes'}, {'x-nanowire': 'timestamp'}, {'type': 'void'}


def record(left_out=(), /, **properties):
    """An object of these properties, of which some may be left out."""
    required = [name for name in properties if name not in left_out]
    return {'type': 'object', 'required': required, 'properties': properties}


def one_of(*schemas):
    return {'anyOf': list(schemas)}


def method(name, request, reply=VOID, kind='unary', **errors):
    return {'kind': kind, 'tag': tag_of(f'interop/{name}'), 'request': request, 'reply': reply, 'errors': errors}


EVERYTHING = record(
    ('optional',), null=NULL, boolean=BOOLEAN, number=NUMBER, integer=INTEGER, bigint={'type': 'bigint'}, text=TEXT,
    literal={'type': 'string', 'const': 'on'}, choice={'enum': ['red', 3]}, bytes=BYTES, at=INSTANT,
    list={'type': 'array', 'items': INTEGER},
    pair={'type': 'array', 'additionalItems': False, 'items': [TEXT, NUMBER], 'minItems': 2},
    record={'type': 'object', 'patternProperties': {'^.*$': BOOLEAN}},
    union=one_of(record(kind={'type': 'string', 'const': 'b'}, y=TEXT), record(kind={'type': 'string', 'const': 'a'}, x=INTEGER),
                 NULL, TEXT),
    optional=INTEGER, unknown={})
NAMED, SHOUT = record(**{'as': TEXT}), record(to=TEXT, line=TEXT)
KEY = record(('to',), to=TEXT) | {'additionalProperties': False}  # of an event (C13)
INTEROP = {'nanowire': 1, 'name': 'interop', 'methods': {
    'hello': method('hello', record(name=TEXT), record(text=TEXT), Banned=record(until=INSTANT)),
    'types': method('types', EVERYTHING, EVERYTHING), 'nothing': method('nothing', VOID), 'echo': method('echo', BYTES, BYTES),
    'zeros': method('zeros', record(bytes=INTEGER), BYTES), 'log': method('log', record(line=TEXT), kind='notify'),
    'wait': method('wait', NAMED, BOOLEAN), 'started': method('started', NAMED, NULL), 'ended': method('ended', NAMED, TEXT),
    'left': method('left', NULL, one_of(NULL, NUMBER)), 'meta': method('meta', record(fail=BOOLEAN), one_of(TEXT, NULL)),
    'whoami': method('whoami', NULL, TEXT),
    'count': method('count', record(('fail',), to=INTEGER, fail=BOOLEAN), INTEGER, 'serverStream', Enough=record(at=INTEGER)),
    'blobs': method('blobs', record(items=INTEGER, bytes=INTEGER), BYTES, 'serverStream'),
    'total': method('total', INTEGER, record(items=INTEGER, total=INTEGER), 'clientStream'),
    'first': method('first', INTEGER, one_of(INTEGER, NULL), 'clientStream'),
    'echoes': method('echoes', BYTES, BYTES, 'bidiStream'), 'watch': method('watch', NAMED, INTEGER, 'serverStream'),
    'rush': method('rush', record(items=INTEGER), INTEGER, 'serverStream'),
    'shout': method('shout', SHOUT), 'shouted': method('shouted', KEY, SHOUT, 'event')}}


def changed():
    """The contract as another version has it: `hello` gets on with the server's, `left` and `gone` do not."""
    contract = copy.deepcopy(INTEROP)
    methods = contract['methods']
    methods['hello']['request']['properties']['greeting'] = TEXT
    methods['hello']['errors']['TooEarly'] = NULL
    methods['left']['reply'] = NULL
    methods['gone'] = method('gone', NULL)
    return Contract(contract)


async def own(address):
    """A contract of one's own has the hash that the server's HELLO says, and its calls are not refused."""
    client = await connect(address, contracts=[Contract(INTEROP)])
    same = client.hello.contracts['interop'] == Contract(INTEROP).hash
    reply = await client.call('interop/hello', {'name': 'Ada'})
    unknown = await failure(client.call('interop/nothere'))
    await client.close()
    return {'same': same, 'reply': reply, 'unknown': unknown}


async def learned(address):
    client = await connect(address)
    learned = [await client.learn(name) for name in ('nanowire', 'interop')]
    assert [contract.hash for contract in learned] == [client.hello.contracts[contract.name] for contract in learned]
    assert judge(Contract(INTEROP), learned[1]) == {}
    replies = [await client.call('interop/hello', {'name': name}) for name in ('Ada', 'Eve')]
    missing = await failure(client.learn('missing'))
    await client.close()
    return {'methods': sorted(learned[1].methods), 'replies': replies, 'missing': missing}


class Watched(Client):
    """A client that keeps the flags of the requests that it sends."""

    def connection_made(self, transport):
        self.sent, write = [], transport.write
        transport.write = lambda data: (self.sent.append(bytes(data)), write(data))[1]
        super().connection_made(transport)

    def flags(self):
        """Of each request: its method, HASH and JUDGED."""
        names = {tag_of(f'interop/{name}'): name for name in changed().methods} | {tag_of('nanowire/describe'): 'describe'}
        requests = [data for data in self.sent if data[3] == wire.REQUEST]
        return [[names[int.from_bytes(data[9:13], 'big')], bool(data[4] & wire.HASH), bool(data[4] & wire.JUDGED)]
                for data in requests]


async def differs(address, early):
    """Calls by a contract that differs: what still fits runs, what may not is refused here."""
    client, host, port = Watched(contracts=[changed()]), *address.removeprefix('tcp://').split(':')
    connecting = client.loop.create_connection(lambda: client, host, int(port))
    if early != 'early':  # otherwise the calls are sent before the server has said what its contract is (S2)
        await connecting
        await client.ready
    calls = [client.send('interop/hello', {'name': 'Ada', 'greeting': 'Hi'}), client.send('interop/left'), client.send('interop/gone'),
             client.send('interop/hello', {'name': 'Mallory'})]
    if early == 'early':
        await connecting
    ends = [await failure(call.done) for call in calls]
    ends.append(await failure(client.call('interop/hello', {'name': 'Eve'})))
    assert client.stats == {'lateReplies': 0, 'unknownIds': 0}, client.stats
    await client.close()
    return {'ends': ends, 'sent': client.flags()}


async def lacking(address):
    client = await connect(address, contracts=[Contract(INTEROP | {'name': 'elsewhere'})])
    got = await failure(client.call('elsewhere/hello', {'name': 'Ada'}))
    await client.close()
    return got


async def refused(address):
    """By hand: a foreign hash, no hash after it, and JUDGED."""
    def hello(id, flags, hash=b''):
        body = struct.pack('>II', tag_of('interop/hello'), 0) + hash + pack({'name': 'Ada'})
        return frame(wire.REQUEST, id, body, flags)
    reader, writer = await asyncio.open_connection(*address.removeprefix('tcp://').split(':'))
    writer.write(frame(wire.HELLO, 0, write_hello(LIMITS)) + hello(1, wire.HASH, bytes(16)) + hello(2, 0) + hello(3, wire.JUDGED)
                 + hello(4, wire.HASH | wire.JUDGED, bytes(16)))
    frames, got = Frames(65_536, 65_536), []
    while len(got) < 5:
        data = await reader.read(65_536)
        assert data, f'the server closed after {len(got)} frames'
        got += frames.feed(data)
    writer.close()
    read_hello(got.pop(0).body)
    return {answer.id: unpack(answer.body) if answer.kind == wire.RESPONSE else
            {name: said for name, said in read_error(answer.body).items() if name in ('code', 'processed', 'rule')}
            for answer in got}


async def judged():
    """For each pair of descriptions: both hashes, and what is wrong with the methods of the first at the second."""
    pairs = [[Contract(side) for side in pair] for pair in json.load(sys.stdin)]
    return [{'hashes': [side.hash.hex() for side in pair], 'problems': judge(*pair)} for pair in pairs]


if __name__ == '__main__':
    run(globals())
