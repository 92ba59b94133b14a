"""Contracts as data, their hashes, and which methods of two contracts get on (spec/compatibility.md).

A contract is its description, from a file or from a server's reflection. Names such as K4 are rules of that chapter.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Iterator

ANNOTATIONS = frozenset('$comment $id $schema default deprecated description examples readOnly title writeOnly'.split())
SETS = frozenset('allOf anyOf enum oneOf required type'.split())
ONE = frozenset('additionalItems additionalProperties contains items not unevaluatedItems unevaluatedProperties'.split())
LISTS = frozenset('allOf anyOf oneOf prefixItems items'.split())
NAMED = frozenset('$defs patternProperties properties'.split())
ESCAPES = {'"': '\\"', '\\': '\\\\', '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r'}
KINDS = frozenset('unary notify serverStream clientStream bidiStream event'.split())
LEAVES = frozenset('null boolean integer number bigint string'.split())


def fnv128(text: str) -> bytes:
    """FNV-1a of 128 bits, over the text's UTF-8 (K5)."""
    hash = 0x6c62272e07bb014262b821756295c58d
    for byte in text.encode():
        hash = (hash ^ byte) * (2**88 + 0x13b) % 2**128
    return hash.to_bytes(16, 'big')


# --- Canonical text (K3, K4) -----------------------------------------------------------------------------------------

def _text(text: str) -> str:
    return '"' + re.sub('["\\\\\0-\x1f]', lambda at: ESCAPES.get(at[0]) or f'\\u{ord(at[0]):04x}', text) + '"'


def _number(number: int | float) -> str:
    if number == number // 1 and abs(number) <= 2**53 - 1:
        return str(int(number))
    return 'f' + struct.pack('>d', number).hex()


def _object(texts: dict[str, str]) -> str:
    return '{' + ','.join(f'{_text(name)}:{texts[name]}' for name in sorted(texts)) + '}'


def _list(texts: list[str]) -> str:
    return '[' + ','.join(texts) + ']'


def _data(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, list):
        return _list([_data(item) for item in value])
    if isinstance(value, dict):
        return _object({name: _data(item) for name, item in value.items()})
    raise ValueError(f'a description has no {type(value).__name__}')


def _is_schema(value: Any) -> bool:
    return isinstance(value, (dict, bool))


def _keyword(keyword: str, value: Any) -> str:
    if keyword in ONE and _is_schema(value):
        return canonical(value)
    if keyword in NAMED and isinstance(value, dict) and all(map(_is_schema, value.values())):
        return _object({name: canonical(schema) for name, schema in value.items()})
    if isinstance(value, list):
        schemas = keyword in LISTS and all(map(_is_schema, value))
        texts = [canonical(item) if schemas else _data(item) for item in value]
        return _list(sorted(texts) if keyword in SETS else texts)
    return _data(value)


def canonical(schema: Any) -> str:
    """The text of a schema, the same for all that differ only in order and in what people read."""
    if not isinstance(schema, dict):
        return _data(schema)
    return _object({name: _keyword(name, value) for name, value in schema.items()
                    if name not in ANNOTATIONS and (name, value) != ('required', [])})


# --- Methods and contracts (K1, K5, K6) ------------------------------------------------------------------------------

class Method:
    """One method of a description."""

    def __init__(self, says: dict[str, Any]):
        self.kind, self.tag, self.request, self.reply = says['kind'], int(says['tag']), says['request'], says['reply']
        self.errors: dict[str, Any] = says['errors']
        if not (isinstance(self.kind, str) and 1 <= self.tag < 2**32 and self.tag == says['tag']):
            raise ValueError('a method has a kind, and a tag from 1 to 4,294,967,295')
        if not all(map(_is_schema, (self.request, self.reply, *self.errors.values()))):
            raise ValueError('a method has schemas')
        self.text = _object({
            'errors': _object({name: canonical(schema) for name, schema in self.errors.items()}), 'kind': _text(self.kind),
            'reply': canonical(self.reply), 'request': canonical(self.request), 'tag': _number(self.tag)})
        self.fingerprint = fnv128(self.text)


class Contract:
    """A contract by its description: `name`, `methods` by their own names, `text` and the 16 bytes of its `hash`."""

    def __init__(self, description: Any):
        try:
            version, self.name = description['nanowire'], description['name']
            self.methods = {name: Method(says) for name, says in description['methods'].items()}
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f'this is no description of a contract: {error!r}') from error
        if version != 1 or not isinstance(self.name, str):
            raise ValueError(f'a description of version {version!r}; known is 1')
        self.text = _object({
            'methods': _object({name: _text(method.fingerprint.hex()) for name, method in self.methods.items()}),
            'name': _text(self.name), 'nanowire': '1'})
        self.hash = fnv128(self.text)

    def tag(self, method: str) -> int:
        """The number of a method by its full name."""
        return self.methods[method.partition('/')[2]].tag


# --- Comparison ------------------------------------------------------------------------------------------------------

def judge(mine: Contract, theirs: Contract) -> dict[str, str]:
    """What is wrong with each of my methods that does not, or may not, get on with a server's (K10, K11).

    It sees less than K12 to K18 do: equal schemas, objects, lists, plain leaves and choices of these. What it does not
    understand is breaking, so it is as sound, and more timid.
    """
    problems = {}
    for name, method in mine.methods.items():
        try:
            problem = next(_problems(method, theirs.methods.get(name)), None)
        except (AttributeError, KeyError, RecursionError, TypeError):  # a keyword with a value that it cannot have
            problem = ': a schema is not understood'
        if problem:
            problems[name] = f'/{name}{problem}'
    return problems


def _problems(mine: Method, theirs: Method | None) -> Iterator[str]:
    if not theirs:
        yield ': the server has no such method'
    elif mine.fingerprint != theirs.fingerprint:
        if mine.kind != theirs.kind or mine.kind not in KINDS:
            yield f'/kind: {theirs.kind} at the server'
        if mine.tag != theirs.tag:
            yield f'/tag: {theirs.tag} at the server'
        yield from _misfits('/request', mine.request, theirs.request)
        yield from _misfits('/reply', theirs.reply, mine.reply)
        for name in mine.errors.keys() & theirs.errors.keys():
            yield from _misfits(f'/errors/{name}', theirs.errors[name], mine.errors[name])


def _refers(schema: Any) -> bool:
    return '"$ref":' in canonical(schema)  # in a text it would be \"$ref\":


def _misfits(at: str, sender: Any, receiver: Any) -> Iterator[str]:
    if canonical(sender) != canonical(receiver):
        if _refers(sender) or _refers(receiver):
            yield f'{at}: schemas with references differ'
        else:
            yield from _compare(at, sender, receiver)


def _compare(at: str, sender: Any, receiver: Any) -> Iterator[str]:
    """Where what a sender may send might not fit at the receiver."""
    if canonical(receiver) in (canonical(sender), '{}', 'true'):
        return
    if not (isinstance(sender, dict) and isinstance(receiver, dict)):
        yield f'{at}: the schemas differ'
        return
    kinds, sent, taken = (sender.get('type'), receiver.get('type')), _keywords(sender), _keywords(receiver)
    if kinds == ('object', 'object') and sent | taken <= {'type', 'properties', 'required'}:
        yield from _objects(at, sender, receiver)
    elif kinds == ('array', 'array') and sent == taken == {'type', 'items'}:
        yield from _compare(f'{at}/*', sender['items'], receiver['items'])
    elif sent == {'anyOf'} or taken == {'anyOf'}:
        choices, takes = (schema['anyOf'] if _keywords(schema) == {'anyOf'} else [schema] for schema in (sender, receiver))
        if not all(any(_takes(choice, form) for form in takes) for choice in choices):
            yield f'{at}: it is not seen that each choice fits'
    elif not _takes(sender, receiver):
        yield f'{at}: the schemas differ'


def _keywords(schema: dict[str, Any]) -> set[str]:
    return {name for name in schema if name not in ANNOTATIONS}


def _takes(sender: Any, receiver: Any) -> bool:
    """Whether the receiver's is the same schema, or a leaf of the sender's type without any bounds."""
    if canonical(sender) == canonical(receiver):
        return True
    if not (isinstance(sender, dict) and isinstance(receiver, dict) and _keywords(receiver) == {'type'}):
        return False
    kind, takes = sender.get('type'), receiver['type']
    return isinstance(takes, str) and takes in LEAVES and kind in ('integer', takes) and takes in (kind, 'number')


def _objects(at: str, sender: dict[str, Any], receiver: dict[str, Any]) -> Iterator[str]:
    """K12 and K16 for objects that allow no properties beyond those that they declare: these are left out."""
    sends = sender.get('properties', {})
    for name in receiver.get('required', []):
        if name not in sender.get('required', []) or name not in sends:
            yield f'{at}/{name}: the sender may leave it out'
    for name, schema in receiver.get('properties', {}).items():
        if name in sends:
            yield from _compare(f'{at}/{name}', sends[name], schema)
