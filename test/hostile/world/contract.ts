/** What the attacked server serves: handlers that attackers would like to have running, filled, or talking. */
import { Bytes, clientStream, contract, event, notify, serverStream, unary } from 'nanowire'
import Type from 'typebox'

const Text = Type.Object({ text: Type.String() })
export const Item = Type.Object({ n: Type.Integer(), text: Type.String() })

/** Each value is tried against each of these, down to its last leaf. */
const Leaf = Type.Object({
  kind: Type.Literal('leaf'),
  value: Type.String({ pattern: '^[a-z]{1,8}(-[a-z]{1,8}){0,64}$' }),
})
const Branch = Type.Object({ kind: Type.Literal('branch'), leaves: Type.Array(Type.Union([Leaf, Text, Item])) })

export const Open = contract('open', {
  echo: unary(Text, Text),
  note: notify(Text),
  /** Who calls, as the server sees it: the same for all calls of one connection. */
  peer: unary(Type.Null(), Type.String()),
  /** The values of these names in the metadata of the request, and `-` for those that are not there. */
  metadata: unary(Type.Array(Type.String()), Type.Array(Type.String())),
  /** Ends when the test says so, whatever its signal says. */
  stuck: unary(Type.Null(), Type.Null()),
  stuckNote: notify(Type.Null()),
  /** The same, and takes no item, or all. */
  stuckUpload: clientStream(Item, Type.Null()),
  stuckTaking: clientStream(Item, Type.Null()),
  /** The same, having yielded an item that does not fit. */
  stuckStream: serverStream(Type.Null(), Item),
  sum: clientStream(Item, Type.Integer()),
  count: serverStream(Type.Object({ count: Type.Integer(), bytes: Type.Integer() }), Item),
  /** Keeps what it was asked for, as long as its items are taken. */
  search: serverStream(Text, Item),
  told: event(Text, { key: 'text' }),
  large: unary(Type.Integer(), Bytes()),
  /** A schema that takes a while to refuse. */
  fussy: unary(Type.Array(Type.Union([Branch, Leaf, Item])), Type.Null()),
  unique: unary(Type.Array(Type.Array(Type.Integer()), { uniqueItems: true, maxItems: 1_000 }), Type.Null()),
  /** Goes wrong in the way that it is told. */
  fails: unary(Type.Object({ how: Type.String() }), Text, { errors: { Declared: Text } }),
})
