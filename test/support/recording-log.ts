/** The logger of the conformance suite, for other tests that read what was logged. */
export { type Line, RecordingLog } from '../../src/testing/conformance/recording-log.ts'
