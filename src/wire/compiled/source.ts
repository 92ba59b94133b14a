/**
 * Source text of a function that is made at run time. Invariant: what a schema says enters the text as JSON only (`quote`),
 * and everything else that it needs comes in as a constant.
 */
export class Source {
  readonly #lines: string[] = []
  readonly #constants: unknown[] = []
  readonly #names = new Map<unknown, string>()
  #locals = 0

  line(text: string): void {
    this.#lines.push(text)
  }

  /** A name that nothing else has here. */
  local(prefix: string): string {
    return `${prefix}${this.#locals++}`
  }

  /** The name of a value that the function is given. */
  constant(value: unknown): string {
    const known = this.#names.get(value)
    if (known) return known
    const name = `c${this.#constants.length}`
    this.#constants.push(value)
    this.#names.set(value, name)
    return name
  }

  /**
   * Makes what the lines return.
   * @throws EvalError where making code is forbidden
   */
  make(): unknown {
    const names = this.#constants.map((_, index) => `c${index}`)
    const factory = new Function(...names, ['"use strict"', ...this.#lines].join('\n'))
    return (factory as (...constants: unknown[]) => unknown)(...this.#constants) // every function is one of these
  }
}

/** A literal of JavaScript that is this very text, number, boolean or null, whatever is in it. */
export function quote(value: string | number | boolean | null): string {
  return JSON.stringify(value)
}
