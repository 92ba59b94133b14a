"""What the client makes of servers that are none, or that break the protocol: `python3 hostile.py hostile`."""

import asyncio
import struct

import nanowire_frames as wire
from nanowire_calls import LIMITS
from nanowire_client import connect
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
    'a stream': frame(wire.DATA, 1, b'\xc0'),
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


async def meet(opening, answer):
    """How connecting and calling end, and by which rule this client took its leave."""
    said, told, over = Frames(65_536, 65_536), [], asyncio.Event()

    async def serve(reader, writer):
        writer.write(opening)
        asked = False
        while data := await reader.read(65_536):
            for got in said.feed(data):
                if got.kind == wire.REQUEST and not asked:
                    asked = True
                    writer.write(answer) if answer is not None else writer.close()
                elif got.kind == wire.ERROR:
                    told.append(read_error(got.body)['rule'])
        writer.close()
        over.set()

    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    client = None

    async def attempt():
        nonlocal client
        port = server.sockets[0].getsockname()[1]
        client = await connect(f'tcp://127.0.0.1:{port}', limits={'lingerMs': 50} | ({} if opening else {'handshakeTimeoutMs': 200}))
        return await client.call('interop/hello', {'name': 'Ada'})

    end = await failure(attempt())
    after = client and await failure(attempt_again(client))
    if client:
        await client.close()
    await over.wait()
    server.close()
    end = ' '.join(str(field) for field in end.values())
    return {'end': end, 'told': told} | ({'goes on': True} if after and after['code'] == 'deadline_exceeded' else {})


async def attempt_again(client):
    """Whether the connection is still there: this server answers one call only."""
    return await client.call('interop/hello', timeout_ms=20)


async def hostile():
    met = {name: await meet(opening, b'') for name, opening in OPENINGS.items()}
    return met | {name: await meet(HELLO, answer) for name, answer in ANSWERS.items()}


if __name__ == '__main__':
    run(globals())
