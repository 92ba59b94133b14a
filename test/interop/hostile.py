"""What the client makes of servers that are none, or that break the protocol: `python3 hostile.py hostile`."""

import asyncio
import struct

import nanowire_frames as wire
from nanowire_calls import LIMITS
from nanowire_client import NanowireError, connect
from nanowire_frames import INCARNATION, Frames, frame, read_error, write_hello
from nanowire_msgpack import pack
from scenarios import failure, run

HELLO = frame(wire.HELLO, 0, write_hello(LIMITS))


def hello(**says):
    """A HELLO with some entries that are not as they should be."""
    limits = {name: LIMITS[name] for name in wire.ANNOUNCED}
    return frame(wire.HELLO, 0, b'NWIR\x01' + pack({'limits': limits, 'features': [], 'incarnation': INCARNATION} | says))


def error(id, **says):
    return frame(wire.ERROR, id, pack({'code': 'internal', 'message': 'x'} | says))


DEEP = b'\x91' * 100_000 + b'\xc0'
MANY = b'\xdd' + struct.pack('>I', 600_000) + b'\xc0' * 600_000


def in_fragments(body, size=60_000):
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    return b''.join(frame(wire.RESPONSE, 1, part, wire.MORE * (at + 1 < len(parts))) for at, part in enumerate(parts))


# What a server sends at once, and what it sends when it has read the call.
OPENINGS = {
    'http': b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
    'tls': b'\x15\x03\x01\x00\x02\x02\x46',
    'ssh': b'SSH-2.0-OpenSSH_9.6\r\n',
    'zeros': bytes(1000),
    'another kind': frame(wire.RESPONSE, 1, b'\xc0'),
    'too long': b'\x01\x00\x01\x01\x00' + bytes(4),
    'no NWIR': frame(wire.HELLO, 0, b'HTTP\x01\x80'),
    'another version': frame(wire.HELLO, 0, b'NWIR\x02\xc1'),
    'no map': frame(wire.HELLO, 0, b'NWIR\x01\x90'),
    'deep map': frame(wire.HELLO, 0, b'NWIR\x01\x81\xa1x' + DEEP[:60_000]),
    'no limits': hello(limits={}),
    'limits of nothing': hello(limits={name: 0 for name in wire.ANNOUNCED}),
    'contracts without hashes': hello(contracts={'interop': 'x'}),
    'refusal': error(0, code='resource_exhausted', rule='limit'),
    'refusal by what nobody knows': error(0, code='weather', rule='rain'),
    'refusal of a call': error(1),
    'silence': b'',
}
ANSWERS = {
    'second HELLO': HELLO,
    'a REQUEST': frame(wire.REQUEST, 1, bytes(8) + b'\xc0'),
    'items': frame(wire.DATA, 1, b'\xc0'),
    'an END': frame(wire.END, 1),
    'credit for a call without items': frame(wire.CREDIT, 1, b'\0\0\0\1'),
    'a PRIORITY': frame(wire.PRIORITY, 1, b'\1', wire.IGNORE),
    'items of a call that nobody made': frame(wire.DATA, 9, bytes(60_000)) * 3 + frame(wire.RESPONSE, 1, b'\xc0'),
    'oversize': b'\xff\xff\xff\x04\x00\x00\x00\x00\x01',
    'unknown kind': frame(0x77),
    'unknown flag': frame(wire.RESPONSE, 1, b'\xc0', 0x40),
    'id 0': frame(wire.RESPONSE, 0, b'\xc0'),
    'flags in a fragment': frame(wire.RESPONSE, 1, b'', wire.MORE) + frame(wire.RESPONSE, 1, b'\0\1\x80\xc0', wire.METADATA),
    'metadata past the frame': frame(wire.RESPONSE, 1, b'\xff\xff', wire.METADATA),
    'an ERROR that is none': frame(wire.ERROR, 1, b'\xc0'),
    'a short PING': frame(wire.PING, 0, b'x'),
    'noise': bytes(range(1, 256)) * 9,
    'the end of the connection': None,
    'no MessagePack': frame(wire.RESPONSE, 1, b'\xc1'),
    'nothing': frame(wire.RESPONSE, 1),
    'a deep reply': in_fragments(DEEP),
    'a wide reply': in_fragments(MANY),
    'an endless reply': in_fragments(bytes(5_000_000), 65_536),
    'fragments of nothing': frame(wire.RESPONSE, 1, b'', wire.MORE) * 1000 + frame(wire.RESPONSE, 1, b'\xc0'),
}


ITEM = frame(wire.DATA, 1, b'\x01')
IN_PART = frame(wire.DATA, 1, b'\xa3ab', wire.MORE)

# What a server sends for a call that is answered by items, and takes items too.
STREAMS = {
    'items that end': ITEM + frame(wire.DATA, 1, b'\x02\x03') + frame(wire.END, 1),
    'items and an error': ITEM + error(1, code='aborted', processed='yes'),
    'a gap': ITEM + frame(wire.DATA, 1, b'\0\0\0\x05', wire.GAP) + frame(wire.DATA, 1, b'\0\0\0\x02\x09', wire.GAP) + frame(wire.END, 1),
    'an item in fragments': IN_PART + frame(wire.DATA, 1, b'c', wire.WAIT) + frame(wire.END, 1),
    'an item that is none': ITEM + frame(wire.DATA, 1, b'\xc1') + ITEM,
    'half an item': ITEM + frame(wire.DATA, 1, b'\x92\x01') + ITEM,
    'items in fragments': IN_PART + frame(wire.DATA, 1, b'c\x05') + ITEM + frame(wire.END, 1),
    'fragments of no items': frame(wire.DATA, 1, b'', wire.MORE) + frame(wire.DATA, 1) + ITEM + frame(wire.END, 1),
    'an END within an item': IN_PART + frame(wire.END, 1),
    'flags in a fragment of an item': IN_PART + frame(wire.DATA, 1, b'\0\0\0\1c', wire.GAP),
    'a short gap': frame(wire.DATA, 1, b'\0\0', wire.GAP),
    'an END with a body': frame(wire.END, 1, b'\xc0'),
    'a RESPONSE for a stream': frame(wire.RESPONSE, 1, b'\xc0'),
    'items beyond the credit': frame(wire.DATA, 1, b'\xc5\x3f\xfd' + bytes(16_381)) + ITEM * 9000,
    'items after the end': ITEM + frame(wire.END, 1) + frame(wire.DATA, 1, bytes(33_000)) * 2,
    'nothing for ever': frame(wire.DATA, 1) * 1025,
    'an item in crumbs': frame(wire.DATA, 1, b'\xc5\x3f\x00', wire.MORE) + frame(wire.DATA, 1, b'\0', wire.MORE) * 1030,
    'credit of nothing': frame(wire.CREDIT, 1, bytes(4)),
    'credit without end': frame(wire.CREDIT, 1, b'\x7f\xff\xff\xff') * 2,
    'acknowledgement of nothing': frame(wire.CREDIT, 0, b'\0\1\0\1'),
}


async def meet(opening, answer, attempt=lambda client: client.call('interop/hello', {'name': 'Ada'})):
    """How connecting and calling end, and by which rule this client took its leave."""
    said, told, over, acknowledged = Frames(65_536, 65_536), [], asyncio.Event(), 0

    async def serve(reader, writer):
        nonlocal acknowledged
        writer.write(opening)
        asked = False
        while data := await reader.read(65_536):
            for got in said.feed(data):
                if got.kind == wire.REQUEST and not asked:
                    asked = True
                    writer.write(answer) if answer is not None else writer.close()
                elif got.kind == wire.ERROR:
                    told.append(read_error(got.body)['rule'])
                elif got.kind == wire.CREDIT and got.id == 0:
                    acknowledged += wire.read_credit(got.body)
        writer.close()
        over.set()

    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    client = None

    async def begin():
        nonlocal client
        port = server.sockets[0].getsockname()[1]
        client = await connect(f'tcp://127.0.0.1:{port}', limits={} if opening else {'handshakeTimeoutMs': 1_000})
        return await attempt(client)

    end = await failure(begin())
    after = client and await failure(attempt_again(client))
    if client:
        await quiet(client)
        await client.close()
    await over.wait()
    server.close()
    end = ' '.join(str(field) for field in end.values())
    return {'end': end, 'told': told} | ({'acknowledged': acknowledged} if acknowledged else {}) | ({'goes on': True} if after and after['code'] == 'deadline_exceeded' else {})


async def quiet(client):
    """Returns when all has been read that the server had to say."""
    before = None
    while before != client._last_read:
        before = client._last_read
        await asyncio.sleep(0.02)


async def attempt_again(client):
    """Whether the connection is still there: this server answers one call only."""
    return await client.call('interop/hello', timeout_ms=20)


async def items_of(client):
    """What a stream says up to its end, with the number of each item, and how it ends."""
    got, never = [], asyncio.Event()

    async def items():
        yield 1
        await never.wait()

    stream = client.stream('interop/echoes', items=items())
    try:
        async for item in stream:
            got.append(f'{stream.number}:{item}' if not isinstance(item, bytes) else f'{stream.number}:{len(item)} bytes')
        return ' '.join(got)
    except NanowireError as error:
        raise NanowireError(error.code, error.message, ' '.join([error.processed, *got]), rule=error.rule) from None


async def hostile():
    met = {name: await meet(opening, b'') for name, opening in OPENINGS.items()}
    met |= {name: await meet(HELLO, answer) for name, answer in ANSWERS.items()}
    return met | {name: await meet(HELLO, answer, items_of) for name, answer in STREAMS.items()}


if __name__ == '__main__':
    run(globals())
