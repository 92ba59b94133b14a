"""Runs the vectors of spec/vectors against this client, and prints one line of JSON: how many passed, and what failed.

    python3 vectors.py ../../spec/vectors
"""

import asyncio
import json
import math
import struct
import sys
from pathlib import Path

import nanowire_frames as wire
from nanowire_client import Client, Contract, NanowireError
from nanowire_contract import canonical, fnv128
from nanowire_frames import Breach, Frames
from nanowire_msgpack import MAX_DEPTH, MAX_NODES, BigInt, Timestamp, Unreadable, pack, unpack, unpack_first

NAMES = 'HELLO AUTH REQUEST RESPONSE DATA END ERROR CANCEL CREDIT PING PONG GOAWAY PRIORITY'.split()
KIND = {name: getattr(wire, name) for name in NAMES}
NAME = {number: name for name, number in KIND.items()}


def _method(name, request, reply, kind='unary', contract='greeter'):
    return {'kind': kind, 'tag': wire.tag_of(f'{contract}/{name}'), 'request': request, 'reply': reply, 'errors': {}}


def _record(**properties):
    return {'type': 'object', 'required': list(properties), 'properties': properties}


TEXT, INTEGER = {'type': 'string'}, {'type': 'integer'}
GREETER = Contract({'nanowire': 1, 'name': 'greeter', 'methods': {  # of the scripts of sessions.json
    'hello': _method('hello', _record(name=TEXT), _record(text=TEXT)), 'wait': _method('wait', _record(), {'type': 'boolean'}),
    'echo': _method('echo', {'x-nanowire': 'bytes'}, {'x-nanowire': 'bytes'}), 'meta': _method('meta', {'type': 'null'}, TEXT),
    'log': _method('log', _record(line=TEXT), {'type': 'void'}, 'notify')}})
KEY = {'type': 'object', 'required': [], 'properties': {'line': TEXT}, 'additionalProperties': False}
STREAMER = Contract({'nanowire': 1, 'name': 'streamer', 'methods': {
    name: _method(name, *says, 'streamer') for name, says in {
        'count': (_record(**{'from': INTEGER, 'to': INTEGER}), INTEGER, 'serverStream'), 'sum': (INTEGER, INTEGER, 'clientStream'),
        'relay': (TEXT, TEXT, 'bidiStream'), 'said': (KEY, _record(line=TEXT), 'event'),
        'say': (_record(line=TEXT), {'type': 'void'}, 'notify')}.items()}})


def octets(said):
    """Bytes as README.md writes them: hex, or a list with repetitions."""
    if isinstance(said, str):
        return bytes.fromhex(said)
    if isinstance(said, dict):
        return bytes.fromhex(said['repeat']) * said['times']
    return b''.join(map(octets, said))


def value(said):
    """A value as README.md writes it."""
    if isinstance(said, list):
        return [value(item) for item in said]
    if not isinstance(said, dict):
        return said
    if len(said) == 1:
        (form, content), = said.items()
        if form == '$bytes':
            return octets(content)
        if form == '$bigint':
            return BigInt(content)
        if form == '$date':
            return Timestamp(content)
        if form == '$number':
            return float(content)
        if form == '$undefined':
            return None
    return {key: value(item) for key, item in said.items()}


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    numbers = [isinstance(x, (int, float)) and not isinstance(x, (bool, BigInt)) for x in (a, b)]
    if all(numbers):
        return math.isnan(a) and math.isnan(b) or a == b and math.copysign(1, a) == math.copysign(1, b)
    return type(a) is type(b) and a == b


def check(condition, *what):
    if not condition:
        raise AssertionError(' '.join(map(str, what)))


def equal(got, expected, what='got'):
    check(same(got, expected), what, got, 'instead of', expected)


def cuts(data):
    """A stream whole, byte by byte, and cut in two at every place (the last two only where it is short)."""
    yield [data]
    if len(data) <= 2000:
        yield [data[at:at + 1] for at in range(len(data))]
        yield from ([data[:at], data[at:]] for at in range(1, len(data)))


# --- One runner for each file ----------------------------------------------------------------------------------------

def run_msgpack(vector):
    data = octets(vector['hex'])
    limits = vector.get('maxDepth', MAX_DEPTH), vector.get('maxNodes', MAX_NODES)
    try:
        got = unpack(data, *limits)
    except Unreadable as error:
        equal([error.rule, error.offset], [vector.get('error'), vector.get('offset')])
        return
    check('error' not in vector, 'was read as', got)
    equal(got, value(vector['value']))
    equal(unpack(pack(got)), got, 'written and read again')
    if vector.get('shortest'):
        equal(pack(got), data, 'written')


def run_frames(vector):
    for chunks in cuts(octets(vector['hex'])):
        frames = Frames(vector.get('maxFrameBytes', 65_536), vector.get('maxHelloBytes', 65_536), bool(vector.get('expectsHello')))
        got, broken = [], None
        try:
            for chunk in chunks:
                for frame in frames.feed(chunk):
                    got.append({'kind': NAME[frame.kind], 'flags': frame.flags, 'id': frame.id, 'body': frame.body.hex()})
        except Breach as breach:
            broken = breach.rule
        equal(broken, vector.get('error'), 'rule')
        equal(got, vector.get('frames', []))
        equal(frames.skipped, vector.get('skipped', 0), 'skipped')
        if broken is None:
            equal(bool(frames.rest), bool(vector.get('unfinished')), 'unfinished')


def one_frame(data, **options):
    frame, = Frames(65_536, 65_536, expects_hello=False, **options).feed(data)
    return frame


def read_request(flags, body):
    """What a server reads; the client only writes it."""
    at = 24 if flags & wire.HASH else 8
    if len(body) < at:
        raise Breach('body', 'the head is not whole')
    tag, timeout = struct.unpack('>II', body[:8])
    metadata, at = wire.read_metadata(body, at) if flags & wire.METADATA else ({}, at)
    says = {'tag': tag, 'timeoutMs': timeout, 'oneWay': bool(flags & wire.ONE_WAY), 'metadata': metadata}
    says |= {name: True for name, flag in (('input', wire.INPUT), ('output', wire.OUTPUT)) if flags & flag}
    if not flags & wire.INPUT:
        says['body'] = unpack(body[at:])
    elif at < len(body):
        raise Breach('body', 'INPUT and a body')
    return says | ({'judged': True} if flags & wire.JUDGED else {}) | ({'hash': body[8:24]} if flags & wire.HASH else {})


def unpack_or_breach(body):
    try:
        return unpack(body)
    except Unreadable as error:
        raise Breach('body', str(error)) from None


def read_body(frame):
    if frame.kind == wire.HELLO:
        hello = wire.read_hello(frame.body)
        says = {'version': hello.version, 'limits': hello.limits, 'features': hello.features, 'incarnation': hello.incarnation}
        if hello.contracts is not None:
            says['contracts'] = hello.contracts
        if hello.credentials is not None:
            says['credentials'] = hello.credentials
        return says
    if frame.kind == wire.REQUEST:
        return read_request(frame.flags, frame.body)
    if frame.kind == wire.RESPONSE:
        metadata, at = wire.read_metadata(frame.body, 0) if frame.flags & wire.METADATA else ({}, 0)
        return {'metadata': metadata, 'body': unpack(frame.body[at:])}
    if frame.kind == wire.DATA:
        gap, at = wire.read_data(frame.flags, frame.body)
        items = []
        while at < len(frame.body):
            item, at = unpack_first(frame.body, at)
            items.append(item)
        return {'items': items} | ({'leftOut': gap} if frame.flags & wire.GAP else {})
    if frame.kind == wire.END:
        return {'metadata': wire.read_end(frame.flags, frame.body)}
    if frame.kind == wire.CREDIT:
        return {'increment': wire.read_credit(frame.body)}
    if frame.kind == wire.PRIORITY:
        if frame.body[0] > 2:
            raise Breach('body', 'another priority')
        return {'priority': frame.body[0]}
    if frame.kind == wire.ERROR:
        return wire.read_error(frame.body)
    if frame.kind == wire.AUTH:
        return {'credentials': wire.read_credentials(unpack_or_breach(frame.body), 'body')}
    check(frame.kind == wire.GOAWAY, 'no reader for', frame.kind)
    return {'final': bool(frame.flags & wire.FINAL), 'lastId': int.from_bytes(frame.body[:4], 'big'), 'text': frame.body[4:].decode()}


def run_bodies(vector):
    try:
        got = read_body(one_frame(octets(vector['hex'])))
    except Breach as breach:
        equal(breach.rule, vector.get('error'), 'rule')
        return
    check('error' not in vector, 'was read as', got)
    equal(got, value(vector['says']))


def run_fragments(vector):
    for chunks in cuts(octets(vector['hex'])):
        frames, unfinished, messages = Frames(65_536, 65_536, expects_hello=False), {}, []
        for chunk in chunks:
            for frame in frames.feed(chunk):
                fragmented = frame.kind in (wire.REQUEST, wire.RESPONSE, wire.DATA)
                first = unfinished.pop((frame.kind, frame.id), frame._replace(body=b''))
                whole = first._replace(body=first.body + frame.body)
                if fragmented and frame.flags & wire.MORE:
                    unfinished[frame.kind, frame.id] = whole
                else:
                    messages.append({'kind': NAME[whole.kind], 'flags': whole.flags, 'id': whole.id, 'body': whole.body.hex()})
        equal(messages, vector['messages'])
        equal(len(unfinished), vector.get('unfinished', 0), 'unfinished')


def run_tags(vector):
    equal(wire.tag_of(vector['method']), vector['tag'])
    equal(vector['tag'].to_bytes(4, 'big').hex(), vector['hex'])


def run_types(vector):
    """What its bytes are before the schema has its say; whether they fit is not for this client to know."""
    for case in vector['cases']:
        if 'hex' in case:
            data = octets(case['hex'])
            got = unpack(data)
            if 'value' in case:
                equal(got, value(case.get('arrives', case['value'])))
                equal(pack(got), data, 'written')


def run_fingerprints(vector):
    if 'utf8' in vector:
        equal(fnv128(vector['utf8']).hex(), vector['hash'], 'hash')
        return
    if 'schemas' in vector:
        for schema in vector['schemas']:
            equal(canonical(schema), vector['text'], 'text')
    else:
        contract = Contract(vector['description'])
        methods = {name: {'text': method.text, 'hash': method.fingerprint.hex()} for name, method in contract.methods.items()}
        equal([methods, contract.text, contract.hash.hex()], [vector['methods'], vector['text'], vector['hash']])
    equal(fnv128(vector['text']).hex(), vector['hash'], 'hash')


# --- Scripts of a session, in virtual time ---------------------------------------------------------------------------

class VirtualLoop(asyncio.SelectorEventLoop):
    ms = 1_000_000

    def time(self):
        return self.ms / 1000

    def turn(self, times=5):
        for _ in range(times):
            self.call_soon(self.stop)
            self.run_forever()

    def drive(self, then):
        async def inside():
            return then()
        return self.run_until_complete(inside())

    def go_on(self, ms):
        for _ in range(ms):
            self.ms += 1
            self.turn(1)
        self.turn()


class Transport:
    """The other end of a client: keeps what it wrote, and closes when it does."""

    def __init__(self, loop, client):
        self.loop, self.client, self.written, self.ended = loop, client, bytearray(), False
        loop.call_soon(client.connection_made, self)

    def set_write_buffer_limits(self, **_):
        pass

    def write(self, data):
        check(not self.ended, 'written after the last word')
        self.written += data

    def is_closing(self):
        return self.ended

    def write_eof(self):
        if not self.ended:
            self.ended = True
            self.loop.call_soon(self.client.connection_lost, None)

    close = abort = write_eof


def without_hash(frame):
    if frame.kind != wire.REQUEST or not frame.flags & wire.HASH:
        return frame
    check(frame.body[8:24] in (GREETER.hash, STREAMER.hash), 'a foreign hash')
    return frame._replace(flags=frame.flags & ~wire.HASH, body=frame.body[:8] + frame.body[24:])


def joined(frames, expected):
    """Frames of one kind and id that may be any number, as one."""
    whole = []
    for frame in frames:
        last = whole[-1] if whole else None
        may_grow = last and len(whole) <= len(expected) and expected[len(whole) - 1].get('joined')
        if may_grow and (last.kind, last.id) == (frame.kind, frame.id):
            whole[-1] = last._replace(body=last.body + frame.body)
        else:
            whole.append(frame)
    return [frame._replace(flags=frame.flags & ~(wire.MORE | wire.WAIT)) if said.get('joined') else frame
            for frame, said in zip(whole, expected)] + whole[len(expected):]


class Giver:
    """Items that a script gives to a call bit by bit."""

    def __init__(self):
        self.items, self.more, self.come = [], True, asyncio.Event()

    def give(self, step):
        self.items += map(value, step['items'])
        self.more = step.get('more', False)
        self.come.set()

    async def __aiter__(self):
        while self.items or self.more:
            if self.items:
                yield self.items.pop(0)
            else:
                self.come.clear()
                await self.come.wait()


class Script:
    """The client of one script of sessions.json."""

    def __init__(self, loop, limits):
        self.loop, self.calls, self.seen = loop, {}, Frames(2**24, 65_536)
        self.givers, self.items = {}, {}
        self.client = loop.drive(lambda: Client(limits, contracts=[GREETER, STREAMER]))
        self.link = Transport(loop, self.client)
        loop.turn()

    def step(self, step):
        if 'call' in step:
            said = step.get('options') or {}
            options = {'timeout_ms': said.get('timeoutMs', 0), 'one_way': step['call'] in ('log', 'say')}
            options |= {'priority': ('low', 'normal', 'high').index(said['priority'])} if 'priority' in said else {}
            self.calls[step['as']] = self.loop.drive(lambda: self.start(step, options))
        elif 'give' in step:
            self.loop.drive(lambda: self.givers[step['give']].give(step))
        elif 'got' in step:
            equal({name: self.items[name] for name in step['got']}, value(step['got']), 'items')
        elif 'cancel' in step:
            self.loop.drive(self.calls[step['cancel']].cancel)
        elif 'send' in step:
            self.loop.drive(lambda: self.client.data_received(octets(step['send'])))
        elif 'pass' in step:
            self.loop.go_on(step['pass'])
        elif 'close' in step:
            self.closing = self.loop.create_task(self.client.close(step['close']))
        elif 'cut' in step:
            self.link.abort()
        elif 'expect' in step:
            self.expect(step['expect'])
        elif 'ends' in step:
            for name, end in step['ends'].items():
                self.ends(name, self.calls[name], end)
        elif 'closed' in step:
            equal(self.link.ended, step['closed'], 'closed')
        elif 'stats' in step:
            stats = self.client.stats | {'inFlight': len(self.client._calls)}
            equal({name: stats[name] for name in step['stats']}, step['stats'])
        else:
            check('ready' in step, 'an unknown step', step)
        self.loop.turn()

    def start(self, step, options):
        name, method, items = step['as'], step['call'], None
        if 'items' in step:
            items = self.givers[name] = Giver()
            items.give(step)
        contract = 'streamer' if method in STREAMER.methods else 'greeter'
        call = self.client.send(f'{contract}/{method}', value(step.get('body')), items=items,
                                output=method in ('count', 'relay', 'said'), **options)
        call.done.add_done_callback(lambda done: done.exception())
        self.items[name] = []
        if call.stream:
            self.loop.create_task(self.collect(call.stream, self.items[name]))
        return call

    async def collect(self, stream, items):
        try:
            async for item in stream:
                items.append(item)
        except NanowireError:
            pass  # the call says so, too

    def expect(self, expected):
        written, self.link.written = bytes(self.link.written), bytearray()
        got = joined([without_hash(frame) for frame in self.seen.feed(written)], expected)
        equal([NAME[frame.kind] for frame in got], [frame['kind'] for frame in expected], 'frames')
        for frame, said in zip(got, expected):
            equal([frame.id, frame.flags], [said['id'], said.get('flags', 0)], 'id and flags')
            equal(frame.body, octets(said['body']) if 'body' in said else frame.body, 'body')
            equal(len(frame.body), said.get('bytes', len(frame.body)), 'bytes')
            if 'says' in said:
                got_says = read_body(frame)
                equal({name: got_says.get(name) for name in said['says']}, value(said['says']))

    def ends(self, name, call, end):
        check(call.done.done(), name, 'has not ended')
        error = call.done.exception()
        if 'items' in end:
            equal(self.items[name], value(end['items']), f'{name} items')
        if error is None:
            check('code' not in end, name, 'ended with', call.done.result())
            equal(call.done.result(), value(end.get('value')), name)
        else:
            for field in ('code', 'processed', 'data'):
                if field in end:
                    equal(getattr(error, field), value(end[field]), f'{name} {field}')


def run_sessions(vector):
    loop = VirtualLoop()
    try:
        script = Script(loop, vector.get('limits'))
        for step in vector['steps']:
            script.step(step)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.turn()
        loop.close()


def not_ours(file, vector):
    """Why a vector says nothing about this client, if it does not."""
    if file == 'sessions' and vector['role'] != 'client':
        return 'of a server'
    if file == 'sessions' and ('do not fit' in vector['name'] or 'does not fit' in vector['name']):
        return 'schemas: this client has none'


def main(folder):
    report = {}
    for file in ('msgpack', 'frames', 'bodies', 'fragments', 'types', 'tags', 'fingerprints', 'sessions'):
        counts = report[file] = {'passed': 0, 'failed': [], 'skipped': {}}
        for vector in json.loads((Path(folder) / f'{file}.json').read_text('utf-8')):
            reason = not_ours(file, vector)
            if reason:
                counts['skipped'][reason] = counts['skipped'].get(reason, 0) + 1
                continue
            try:
                globals()[f'run_{file}'](vector)
                counts['passed'] += 1
            except (AssertionError, Breach, NanowireError, ValueError) as error:
                counts['failed'].append(f'{vector["name"]}: {error}')
    print(json.dumps(report))
    return any(counts['failed'] for counts in report.values())


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
