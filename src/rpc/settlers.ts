/** A promise's own functions, from its executor, which runs at once: one executor for all calls, where one for each would cost a closure. */

/** Of the promise that was made last, with `new Promise(takeSettlers)`; to be read before another one is made. */
export let takenResolve: (value: unknown) => void
export let takenReject: (error: unknown) => void

export function takeSettlers(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  takenResolve = resolve
  takenReject = reject
}
