/** Bounds in real time what may wait for ever in a place that is broken. */
import { systemClock } from '../../session/index.ts'
import { Mismatch } from './mismatch.ts'

/** What went wrong, if anything did: also that nothing had come of it when patience ended. */
export async function within(
  patienceMs: number,
  work: Promise<void>,
  where: () => string,
  what = 'the case',
): Promise<{ readonly cause: unknown } | undefined> {
  let stop = (): void => {}
  const patience = new Promise<{ readonly cause: unknown }>((resolve) => {
    const tooLong = () => resolve({ cause: new Mismatch(what, `an end within ${patienceMs} ms`, where()) })
    stop = systemClock.after(patienceMs, tooLong, true)
  })
  const ended = work.then(
    () => undefined,
    (cause: unknown) => ({ cause }),
  )
  return Promise.race([ended, patience]).finally(() => stop())
}
