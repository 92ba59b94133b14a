/** One suite, run in every place: moving a service changes nothing that its callers or handlers can see. */
import { describe, it } from 'vitest'
import { conformance } from '../../src/testing/index.ts'
import { PATIENCE, places } from './places.ts'

describe.each(places)('in $name', (place) => {
  for (const { title, skip, run } of conformance(place, PATIENCE)) it.skipIf(skip)(title, run)
})
