/** The contract that the suite calls, and what its cases need to look at calls. */
import Type from 'typebox'
import { contract, notify, unary } from '../../contract/index.ts'
import { type CallOptions, type HandlersOf, type Service, stub } from '../../rpc/index.ts'

const Text = Type.Object({ text: Type.String() })

export const Lab = contract('lab', {
  /** Whatever a case wants of a handler. */
  echo: unary(Text, Text, { errors: { Banned: Type.Object({ until: Type.String() }), Closed: Type.Void() } }),
  /** A request and a reply with room for what is not declared. */
  store: unary(Type.Object({ users: Type.Array(Type.Object({ name: Type.String() })) }), Type.Array(Text)),
  /** Nothing in, nothing out, and little time. */
  quick: unary(Type.Void(), Type.Void(), { timeoutMs: 100 }),
  note: notify(Type.Object({ line: Type.String() })),
  quickNote: notify(Type.Void(), { timeoutMs: 100 }),
})

/** A service with these handlers only. */
export function lab(handlers: Partial<HandlersOf<typeof Lab>>): Service<typeof Lab> {
  return stub(Lab, handlers)
}

/** A promise and what settles it. */
export class Gate<T = void> {
  readonly promise: Promise<T>
  open!: (value: T) => void // set by the promise's executor, which runs at once

  constructor() {
    this.promise = new Promise((resolve) => {
      this.open = resolve
    })
  }
}

/** A handler that never ends. */
export const never = (): Promise<never> => new Promise(() => {})

/** Options as a program without types may pass them. */
export function untyped(options: Record<string, unknown>): CallOptions {
  return options
}
