"""Strict MessagePack (spec/msgpack.md): what a body of Nanowire may be. Names such as M4 are its rules."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

MAX_DEPTH, MAX_NODES = 64, 524_288


class Unreadable(ValueError):
    """Bytes that are no strict MessagePack: which rule they break, and where."""

    def __init__(self, rule: str, offset: int):
        super().__init__(f'{rule} at byte {offset}')
        self.rule, self.offset = rule, offset


class BigInt(int):
    """An integer that travels in 64 bits, and so is a bigint where the schema leaves that open (T21)."""


@dataclass(frozen=True, order=True)
class Timestamp:
    """An instant in milliseconds since 1970; the wire's range is wider than that of `datetime`."""

    ms: int

    @staticmethod
    def of(when: datetime) -> Timestamp:
        return Timestamp((when - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1))

    def datetime(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=self.ms)


NUMBERS = {0xca: '>f', 0xcb: '>d', 0xcc: '>B', 0xcd: '>H', 0xce: '>I', 0xcf: '>Q', 0xd0: '>b', 0xd1: '>h', 0xd2: '>i', 0xd3: '>q'}
COUNTED = {0xc4: ('bin', 1), 0xc5: ('bin', 2), 0xc6: ('bin', 4), 0xc7: ('ext', 1), 0xc8: ('ext', 2), 0xc9: ('ext', 4),
           0xd9: ('str', 1), 0xda: ('str', 2), 0xdb: ('str', 4), 0xdc: ('array', 2), 0xdd: ('array', 4), 0xde: ('map', 2),
           0xdf: ('map', 4)}
LAST_INSTANT = 8_640_000_000_000_000


def _integer(value: int) -> bytes:
    if -32 <= value <= 127:
        return struct.pack('b', value)
    for code in (0xcc, 0xcd, 0xce, 0xcf) if value > 0 else (0xd0, 0xd1, 0xd2, 0xd3):
        try:
            return bytes([code]) + struct.pack(NUMBERS[code], value)
        except struct.error:
            continue
    raise ValueError(f'{value} has more than 64 bits')


def _header(count: int, fixed: int, most: int, codes: tuple[int, ...]) -> bytes:
    if count <= most:
        return bytes([fixed | count])
    for code in codes:
        if count < 256 ** COUNTED[code][1]:
            return bytes([code]) + count.to_bytes(COUNTED[code][1], 'big')
    raise ValueError(f'{count} is more than MessagePack can count')


def _instant(ms: int) -> bytes:
    if not -LAST_INSTANT <= ms <= LAST_INSTANT:
        raise ValueError(f'{ms} ms is no instant')
    seconds, nanos = ms // 1000, ms % 1000 * 1_000_000
    if not 0 <= seconds < 2**32:
        return b'\xc7\x0c\xff' + struct.pack('>Iq', nanos, seconds)
    return b'\xd7\xff' + struct.pack('>Q', nanos << 34 | seconds) if nanos else b'\xd6\xff' + struct.pack('>I', seconds)


def pack(value: Any, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> bytes:
    """A value as MessagePack, in the shortest form (M17). A ValueError says why it cannot travel."""
    out, nodes = bytearray(), 1

    def container(value: Any, depth: int, per_item: int) -> None:
        nonlocal nodes
        nodes += len(value) * per_item
        if depth >= max_depth:
            raise ValueError(f'more than {max_depth} containers inside each other')
        if nodes > max_nodes:
            raise ValueError(f'more than {max_nodes} values')

    def put(value: Any, depth: int) -> None:
        nonlocal out
        if value is None or isinstance(value, bool):
            out += b'\xc0' if value is None else b'\xc3' if value else b'\xc2'
        elif isinstance(value, BigInt):
            out += b'\xd3' + struct.pack('>q', value) if -2**63 <= value < 2**63 else _integer(value)
        elif isinstance(value, int):
            out += _integer(value)
        elif isinstance(value, float):
            out += b'\xcb' + struct.pack('>d', value)
        elif isinstance(value, str):
            text = value.encode()  # refuses halves of surrogate pairs, as M8 does
            out += _header(len(text), 0xa0, 31, (0xd9, 0xda, 0xdb)) + text
        elif isinstance(value, (bytes, bytearray, memoryview)):
            out += _header(len(value), 0, -1, (0xc4, 0xc5, 0xc6)) + value
        elif isinstance(value, (Timestamp, datetime)):
            out += _instant(value.ms if isinstance(value, Timestamp) else Timestamp.of(value).ms)
        elif isinstance(value, (list, tuple)):
            container(value, depth, 1)
            out += _header(len(value), 0x90, 15, (0xdc, 0xdd))
            for item in value:
                put(item, depth + 1)
        elif isinstance(value, dict):
            container(value, depth, 2)
            out += _header(len(value), 0x80, 15, (0xde, 0xdf))
            for key, item in value.items():
                if not isinstance(key, str) or key == '__proto__':
                    raise ValueError(f'{key!r} is no key')
                put(key, depth)
                put(item, depth + 1)
        else:
            raise ValueError(f'{type(value).__name__} cannot travel')

    put(value, 0)
    return bytes(out)


def unpack(data: bytes, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> Any:
    """The one value that the bytes are, or Unreadable. An integer of 64 bits is a BigInt (M1 to M16)."""
    reader = _Reader(data, max_depth, max_nodes)
    value = reader.value(0)
    if reader.at < len(data):
        raise Unreadable('trailing_bytes', reader.at)
    return value


def unpack_first(data: bytes, at: int, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> tuple[Any, int]:
    """The first of the values that lie one behind the other from there on, and where it ends."""
    reader = _Reader(data, max_depth, max_nodes, at)
    return reader.value(0), reader.at


class _Reader:
    def __init__(self, data: bytes, max_depth: int, max_nodes: int, at: int = 0):
        self.data, self.at, self.max_depth, self.nodes_left = bytes(data), at, max_depth, max_nodes - 1

    def take(self, count: int, start: int) -> bytes:
        """The next bytes, of a value that begins at `start`."""
        if self.at + count > len(self.data):
            raise Unreadable('truncated', start)
        self.at += count
        return self.data[self.at - count:self.at]

    def header(self) -> tuple[int, str, int]:
        """The first byte of what comes, its family, and its count."""
        start = self.at
        byte = self.take(1, start)[0]
        if byte == 0xc1:
            raise Unreadable('reserved_byte', start)
        if 0x80 <= byte <= 0xbf:
            family, count = ('map', byte & 15) if byte < 0x90 else ('array', byte & 15) if byte < 0xa0 else ('str', byte & 31)
        elif byte in COUNTED:
            family, width = COUNTED[byte]
            count = int.from_bytes(self.take(width, start), 'big')
        else:
            family, count = ('ext', 1 << byte - 0xd4) if 0xd4 <= byte <= 0xd8 else ('plain', 0)
        rest = len(self.data) - self.at
        if count > (rest // 2 if family == 'map' else rest) and family != 'ext':
            raise Unreadable('count_too_large', start)
        return byte, family, count

    def value(self, depth: int) -> Any:
        start = self.at
        byte, family, count = self.header()
        if family == 'plain':
            return self.plain(byte, start)
        if family == 'str':
            return self.text(count)
        if family == 'bin':
            return self.take(count, start)
        if family == 'ext':
            return self.timestamp(count, start)
        if depth >= self.max_depth:
            raise Unreadable('too_deep', start)
        self.nodes_left -= count * 2 if family == 'map' else count
        if self.nodes_left < 0:
            raise Unreadable('too_many_nodes', start)
        if family == 'array':
            return [self.value(depth + 1) for _ in range(count)]
        entries: dict[str, Any] = {}
        for _ in range(count):
            key = self.key(entries)
            entries[key] = self.value(depth + 1)
        return entries

    def key(self, entries: dict[str, Any]) -> str:
        start = self.at
        if start < len(self.data) and not (0xa0 <= self.data[start] <= 0xbf or 0xd9 <= self.data[start] <= 0xdb):
            raise Unreadable('key_not_string', start)
        key = self.text(self.header()[2])
        if key == '__proto__':
            raise Unreadable('key_forbidden', start)
        if key in entries:
            raise Unreadable('duplicate_key', start)
        return key

    def plain(self, byte: int, start: int) -> Any:
        if byte <= 0x7f or byte >= 0xe0:
            return byte if byte <= 0x7f else byte - 256
        if byte in NUMBERS:
            number = struct.unpack(NUMBERS[byte], self.take(struct.calcsize(NUMBERS[byte]), start))[0]
            return BigInt(number) if byte in (0xcf, 0xd3) else number
        return {0xc0: None, 0xc2: False, 0xc3: True}[byte]

    def text(self, count: int) -> str:
        start = self.at
        try:
            return self.take(count, start).decode()
        except UnicodeDecodeError as error:
            raise Unreadable('bad_utf8', start + error.start) from None

    def timestamp(self, count: int, start: int) -> Timestamp:
        if self.take(1, start) != b'\xff':
            raise Unreadable('extension_refused', start)
        if count not in (4, 8, 12):
            raise Unreadable('bad_timestamp', start)
        payload = self.take(count, start)
        if count == 12:
            nanos, seconds = struct.unpack('>Iq', payload)
        else:
            number = int.from_bytes(payload, 'big')
            nanos, seconds = (number >> 34, number & 2**34 - 1) if count == 8 else (0, number)
        ms = seconds * 1000 + nanos // 1_000_000
        if nanos > 999_999_999 or not -LAST_INSTANT <= ms <= LAST_INSTANT:
            raise Unreadable('bad_timestamp', start)
        return Timestamp(ms)
