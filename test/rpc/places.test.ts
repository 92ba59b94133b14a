/** One suite, run in every place: moving a service changes nothing that its callers or handlers can see. */
import { describe } from 'vitest'
import { places } from '../support/places.ts'
import { closingSuite } from './suite/closing.ts'
import { deadlinesSuite } from './suite/deadlines.ts'
import { errorsSuite } from './suite/errors.ts'
import { limitsSuite } from './suite/limits.ts'
import { metadataSuite } from './suite/metadata.ts'
import { middlewareSuite } from './suite/middleware.ts'
import { notifySuite } from './suite/notify.ts'
import { repliesSuite } from './suite/replies.ts'

describe.each(places)('in $name', (place) => {
  describe('a call', () => repliesSuite(place))
  describe('an error', () => errorsSuite(place))
  describe('time', () => deadlinesSuite(place))
  describe('metadata', () => metadataSuite(place))
  describe('a notify', () => notifySuite(place))
  describe('middleware', () => middlewareSuite(place))
  describe('a limit', () => limitsSuite(place))
  describe('closing', () => closingSuite(place))
})
