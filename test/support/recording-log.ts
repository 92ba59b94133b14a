/** The logger of the conformance suite, for other tests that read what was logged. */
export { RecordingLog } from '../../src/testing/conformance/recording-log.ts'
