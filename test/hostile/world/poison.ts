/** Fills memory that nobody has written to with bytes that can be recognised, so that what was never written shows in what is sent. */
export const POISON = Buffer.from('<never-written!>')

/** What honest calls and the server's own secrets look like, wherever they turn up. */
export const HONEST = 'honest-words-of-somebody-else'
export const SECRET = 'secret-of-the-server-itself'
/** What attackers say where nothing is declared, and nobody is to say after them. */
export const UNDECLARED = 'declared-by-nobody'

export function poison(): void {
  const { allocUnsafe, allocUnsafeSlow } = Buffer
  Buffer.allocUnsafe = (size) => allocUnsafe.call(Buffer, size).fill(POISON)
  Buffer.allocUnsafeSlow = (size) => allocUnsafeSlow.call(Buffer, size).fill(POISON)
}
