"""Frames, and what stands in them (spec/protocol.md, spec/streams.md). Names such as P2 and F1 are their rules."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterator, NamedTuple

from nanowire_msgpack import MAX_DEPTH, MAX_NODES, Unreadable, pack, unpack

ANNOUNCED = ('maxFrameBytes', 'maxMessageBytes', 'maxCallsInFlight', 'maxDepth', 'maxNodes')
INCARNATION = os.urandom(16)  # one for all connections of this process (P12)

HELLO, AUTH, REQUEST, RESPONSE, DATA, END, ERROR, CANCEL, CREDIT, PING, PONG, GOAWAY, PRIORITY = range(1, 14)
MORE, FINAL, METADATA, ONE_WAY, HASH, JUDGED, IGNORE = 0x01, 0x01, 0x02, 0x04, 0x08, 0x10, 0x80
GAP, WAIT, INPUT, OUTPUT = 0x02, 0x04, 0x20, 0x40
ANY = 2**24
KINDS = {  # kind: least and most bytes of the body, flags, and whether the id is a call's (None: either)
    HELLO: (6, 65_536, 0, False), AUTH: (1, 8192, 0, False), REQUEST: (0, ANY, 0x7f, True), RESPONSE: (0, ANY, 0x03, True),
    DATA: (0, ANY, 0x07, True), END: (0, ANY, 0x02, True), ERROR: (1, 65_536, 0, None), CANCEL: (0, 0, 0, True),
    CREDIT: (4, 4, 0, None), PING: (8, 8, 0, False), PONG: (8, 8, 0, False), GOAWAY: (4, 1028, 0x01, False),
    PRIORITY: (1, 1, 0, True),
}
CODES = {'not_nanowire': 'unavailable', 'version': 'failed_precondition', 'limit': 'resource_exhausted',
         'timeout': 'unavailable', 'auth': 'unauthenticated'}  # of all other rules: internal


class Breach(Exception):
    """The peer broke this rule of protocol.md; the connection cannot go on."""

    def __init__(self, rule: str, message: str = ''):
        super().__init__(f'{rule}: {message}')
        self.rule, self.message, self.code = rule, message or rule, CODES.get(rule, 'internal')


class Frame(NamedTuple):
    kind: int
    flags: int
    id: int
    body: bytes


def frame(kind: int, id: int = 0, body: bytes = b'', flags: int = 0) -> bytes:
    return len(body).to_bytes(3, 'big') + bytes((kind, flags)) + id.to_bytes(4, 'big') + body


class Frames:
    """Cuts a stream into frames, and judges each header before its body is there (P2 to P9)."""

    def __init__(self, max_frame_bytes: int, max_hello_bytes: int, expects_hello: bool = True):
        self.max_frame_bytes, self.max_hello_bytes = max_frame_bytes, max_hello_bytes
        self.expects_hello, self.rest, self.skipped = expects_hello, bytearray(), 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        self.rest += data
        at = 0
        try:
            while at < len(self.rest):
                head = bytes(self.rest[at:at + 9])
                if self.expects_hello:
                    self.first(head)
                if len(head) < 9:
                    return
                length, kind, flags, id = int.from_bytes(head[:3], 'big'), head[3], head[4], int.from_bytes(head[5:], 'big')
                self.judge(length, kind, flags, id)
                if len(self.rest) - at < 9 + length:
                    return
                body = bytes(self.rest[at + 9:at + 9 + length])
                at, self.expects_hello = at + 9 + length, False
                if kind in KINDS:
                    yield Frame(kind, flags, id, body)
                else:
                    self.skipped += 1
        finally:
            del self.rest[:at]

    def first(self, head: bytes) -> None:
        if head[0] > 1:
            raise Breach('not_nanowire', f'the first byte is {head[0]}')
        if len(head) >= 4:
            if head[3] not in (HELLO, ERROR):
                raise Breach('not_nanowire', f'the first frame is of kind {head[3]}')
            if int.from_bytes(head[:3], 'big') > self.max_hello_bytes:
                raise Breach('frame_size', 'the first frame is too long')

    def judge(self, length: int, kind: int, flags: int, id: int) -> None:
        if length > (self.max_hello_bytes if kind == HELLO else self.max_frame_bytes):
            raise Breach('frame_size', f'{length} bytes of kind {kind}')
        if kind not in KINDS:
            if not flags & IGNORE:
                raise Breach('frame_kind', f'kind {kind}')
            return
        least, most, allowed, of_call = KINDS[kind]
        if not least <= length <= most:
            raise Breach('frame_size', f'{length} bytes of kind {kind}')
        if flags & ~(allowed | IGNORE) or (kind == REQUEST and _exclude_each_other(flags)):
            raise Breach('frame_flags', f'flags {flags} of kind {kind}')
        if of_call is not None and of_call != (id != 0):
            raise Breach('frame_id', f'id {id} of kind {kind}')


def _exclude_each_other(flags: int) -> bool:
    """Flags of a REQUEST that cannot stand together (F1)."""
    return bool(flags & (INPUT | OUTPUT) and flags & ONE_WAY or flags & INPUT and flags & MORE)


@dataclass
class Hello:
    limits: dict[str, int]
    features: list[str]
    incarnation: bytes
    contracts: dict[str, bytes] | None = None
    credentials: Any = None
    version: int = 1


def write_hello(limits: dict[str, int], credentials: Any = None) -> bytes:
    says = {'limits': {name: limits[name] for name in ANNOUNCED}, 'features': [], 'incarnation': INCARNATION}
    if credentials is not None:
        says['credentials'] = credentials
    return b'NWIR\x01' + pack(says)


def read_hello(body: bytes) -> Hello:
    if body[:4] != b'NWIR':
        raise Breach('not_nanowire', 'the first frame does not begin with NWIR')
    if body[4] != 1:
        raise Breach('version', f'the peer speaks version {body[4]}')
    says = _map(body[5:], 'hello', 8)
    limits, features, incarnation = says.get('limits'), says.get('features'), says.get('incarnation')
    if not isinstance(limits, dict) or not all(_whole(limits.get(name), 1, 2**48) for name in ANNOUNCED):
        raise Breach('hello', 'its limits')
    if limits['maxFrameBytes'] < 65_536:
        raise Breach('hello', 'its maxFrameBytes is below 65,536')
    if not isinstance(features, list) or len(features) > 64 or not all(isinstance(name, str) for name in features):
        raise Breach('hello', 'its features')
    if not isinstance(incarnation, bytes) or len(incarnation) != 16:
        raise Breach('hello', 'its incarnation')
    contracts = says.get('contracts')
    if 'contracts' in says and not (isinstance(contracts, dict) and all(
            isinstance(hash, bytes) and len(hash) == 16 for hash in contracts.values())):
        raise Breach('hello', 'its contracts')
    credentials = read_credentials(says['credentials'], 'hello') if 'credentials' in says else None
    return Hello({name: int(limits[name]) for name in ANNOUNCED}, features, incarnation, contracts, credentials)


def read_credentials(says: Any, rule: str) -> Any:
    if not (isinstance(says, str) or is_texts(says)) or len(pack(says)) > 8192:
        raise Breach(rule, 'credentials are a text or a map of texts, of at most 8,192 bytes')
    return says


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most and value == int(value)


def _map(data: bytes, rule: str, max_depth: int, max_nodes: int = MAX_NODES) -> dict[str, Any]:
    try:
        says = unpack(data, max_depth, max_nodes)
    except Unreadable as error:
        raise Breach(rule, str(error)) from None
    if not isinstance(says, dict):
        raise Breach(rule, 'no map')
    return says


def is_texts(says: Any) -> bool:
    return isinstance(says, dict) and all(isinstance(text, str) for text in says.values())


def read_metadata(body: bytes, at: int, max_bytes: int = 8192) -> tuple[dict[str, str], int]:
    """The metadata that stand there with their length, and where they end (P19)."""
    end = at + 2 + int.from_bytes(body[at:at + 2], 'big')
    if at + 2 > len(body) or end > len(body):
        raise Breach('body', 'metadata past the frame')
    if end - at - 2 > max_bytes:
        raise Breach('limit', f'metadata have {end - at - 2} bytes, maxMetadataBytes is {max_bytes}')
    says = _map(body[at + 2:end], 'body', 8)
    if not is_texts(says):
        raise Breach('body', 'metadata that are no texts')
    return says, end


def read_data(flags: int, body: bytes) -> tuple[int, int]:
    """How many items were left out before the first of a DATA, and where that one begins (F20)."""
    if not flags & GAP:
        return 0, 0
    if len(body) < 4:
        raise Breach('body', 'a DATA that ends within its gap')
    return int.from_bytes(body[:4], 'big'), 4


def read_end(flags: int, body: bytes, max_bytes: int = 8192) -> dict[str, str]:
    """The metadata of an END, behind which nothing stands (F4)."""
    metadata, at = read_metadata(body, 0, max_bytes) if flags & METADATA else ({}, 0)
    if at < len(body):
        raise Breach('body', 'an END with a body')
    return metadata


def read_credit(body: bytes) -> int:
    increment = int.from_bytes(body, 'big')
    if not increment:
        raise Breach('credit', 'a CREDIT of 0 bytes')  # F11
    return increment


def read_error(body: bytes, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> dict[str, Any]:
    """The entries of an ERROR that count (P23)."""
    says = _map(body, 'body', max_depth, max_nodes)
    if not isinstance(says.get('code'), str) or not isinstance(says.get('message'), str):
        raise Breach('body', 'an ERROR without code or message')
    if 'processed' in says and says['processed'] not in ('no', 'maybe', 'yes'):
        raise Breach('body', 'an ERROR with another processed')
    if isinstance(says.get('metadata'), dict) and not is_texts(says['metadata']):
        raise Breach('body', 'metadata that are no texts')
    types = {'code': str, 'message': str, 'processed': str, 'data': object, 'id': str, 'metadata': dict, 'rule': str}
    counts = {name: says[name] for name, type in types.items() if name in says and isinstance(says[name], type)}
    if _whole(says.get('lastId'), 0, 2**32 - 1):
        counts['lastId'] = int(says['lastId'])
    return counts


def after(a: int, b: int) -> bool:
    """Whether the id `a` is after `b`, by RFC 1982 (S4)."""
    return 1 <= (a - b) % 2**32 <= 2**31 - 1


def tag_of(method: str) -> int:
    """The number of a method: FNV-1a of its full name (C5)."""
    hash = 0x811c9dc5
    for byte in method.encode('ascii'):
        hash = (hash ^ byte) * 0x01000193 % 2**32
    return hash
