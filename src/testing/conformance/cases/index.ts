/** All topics of the suite, in the order in which they are run. */
import type { Cases } from '../suite.ts'
import { bothWays } from './both-ways.ts'
import { brokenUploads } from './broken-uploads.ts'
import { bytes } from './bytes.ts'
import { cancellation } from './cancellation.ts'
import { closing } from './closing.ts'
import { counters, serverCounters } from './counters.ts'
import { draining } from './draining.ts'
import { errors } from './errors.ts'
import { events } from './events.ts'
import { contracts, credentials, verdicts } from './handshake.ts'
import { identity } from './identity.ts'
import { leavingStreams } from './leaving.ts'
import { limits } from './limits.ts'
import { metadata } from './metadata.ts'
import { middleware } from './middleware.ts'
import { notifies } from './notify.ts'
import { order } from './order.ts'
import { processed } from './processed.ts'
import { promisedItems } from './promised-items.ts'
import { replies } from './replies.ts'
import { slowReceivers } from './slow.ts'
import { streamBounds } from './stream-bounds.ts'
import { streamClosing } from './stream-closing.ts'
import { streamErrors } from './stream-errors.ts'
import { streamLayers } from './stream-layers.ts'
import { streamMetadata } from './stream-metadata.ts'
import { streamTime } from './stream-time.ts'
import { streams } from './streams.ts'
import { time } from './time.ts'
import { types } from './types.ts'
import { uploads } from './uploads.ts'

export const topics: Readonly<Record<string, Cases>> = {
  replies,
  types,
  errors,
  processed,
  order,
  time,
  cancellation,
  metadata,
  notify: notifies,
  middleware,
  limits,
  counters,
  closing,
  identity,
  streams: { ...streams, ...streamBounds, ...promisedItems },
  'stream errors': streamErrors,
  'leaving streams': { ...leavingStreams, ...streamTime },
  uploads: { ...uploads, ...brokenUploads },
  'both ways': bothWays,
  'around streams': { ...streamLayers, ...streamMetadata },
  'closing streams': streamClosing,
  events,
  'slow receivers': slowReceivers,
  contracts,
  /** The handlers' side is asked what it has counted. */
  'server counters': serverCounters,
  /** The handlers' side is closed by itself. */
  draining,
  /** Values travel as bytes. */
  bytes,
  /** The handlers' side asks each client who it is. */
  credentials,
  /** The two sides tell each other what their contracts are. */
  verdicts,
}
