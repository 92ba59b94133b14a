/** Scripts whose command line ends them (command-line.ts), as a test sees it. */
import { vi } from 'vitest'

class Exit extends Error {
  readonly exitCode: unknown

  constructor(exitCode: unknown) {
    super('the process ends')
    this.exitCode = exitCode
  }
}

/** What is printed while a command line is read, and the exit code where that ends the process, which goes on here. */
export function used(read: () => unknown): { readonly said: string; readonly exitCode: unknown } {
  let said = ''
  const write = (text: string | Uint8Array) => {
    said += text
    return true
  }
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
    vi.spyOn(process, 'exit').mockImplementation((exitCode) => {
      throw new Exit(exitCode)
    }),
  ]
  try {
    read()
    return { said, exitCode: undefined }
  } catch (error) {
    if (error instanceof Exit) return { said, exitCode: error.exitCode }
    throw error
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
